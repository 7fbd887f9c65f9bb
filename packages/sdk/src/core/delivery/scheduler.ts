import { Fifo } from '../fifo.ts'
import { DueHeap } from './due-heap.ts'
import type { FunctionQueue } from './function-queue.ts'
import type { Route } from './route.ts'

/** Chooses whose turn it is: round-robin over the functions that can be called, never over those that cannot. */
export class Scheduler {
  readonly #maxInFlight: number
  /** Functions that can be called, in turn. */
  readonly #ring = new Fifo<FunctionQueue>()
  /** Routes and functions that wait for a moment. */
  readonly waiting: DueHeap<Route | FunctionQueue> = new DueHeap<Route | FunctionQueue>()
  inFlight = 0

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight
  }

  /** The function may have become callable. */
  wake(queue: FunctionQueue): void {
    if (queue.inRing) return
    queue.inRing = true
    this.#ring.push(queue)
  }

  /**
   * The next route to attempt, or `undefined` when the global limit is reached or nobody can be called.
   * A function that is blocked leaves the ring; one that waits for a moment is woken by `waiting`.
   */
  next(now: number): Route | undefined {
    while (this.inFlight < this.#maxInFlight) {
      const queue = this.#ring.shift()
      if (queue === undefined) return undefined
      queue.inRing = false
      const blocked = queue.blocked(now)
      if (blocked === undefined) {
        const route = queue.takeReady(now)
        // To the end of the ring whether or not more is ready: the next visit finds out, at the cost of one look.
        this.wake(queue)
        if (route !== undefined) return route
      } else if (typeof blocked === 'object') {
        this.waiting.remove(queue)
        queue.dueAt = blocked.until
        this.waiting.push(queue)
      }
    }
    return undefined
  }
}
