import type { Clock, Timer } from '@millrace/sdk'
import { MinHeap } from './run/min-heap.ts'
import { TimeSlice } from './time-slice.ts'

/** Longest sleep: after it the wall clock is read again, whatever happened to it. */
export const MAX_SLEEP_MS = 30_000

/** What the loop is given. */
export interface LoopOptions<K> {
  readonly clock: Clock
  /** A key's time has come. It is out of the loop until it is set again. */
  readonly due: (key: K, now: number) => void
  /** The wall clock was set by so much, milliseconds. */
  readonly stepped?: (stepMs: number) => void
  /** Runs the rest of a long batch after I/O had its turn. @default setImmediate */
  readonly defer?: (run: () => void) => void
}

/**
 * One timer for any number of keys.
 *
 * Times are those of the wall clock and timers those of the monotonic one, so no sleep is longer than 30 s: a clock
 * that was set, or a machine that slept, is noticed then.
 */
export class Loop<K> {
  readonly #clock: Clock
  readonly #options: LoopOptions<K>
  readonly #heap = new MinHeap<K>()
  readonly #defer: (run: () => void) => void
  #timer: Timer | undefined
  #timerAt = Infinity
  #busy = false
  #stopped = false
  #offset: number

  constructor(options: LoopOptions<K>) {
    this.#options = options
    this.#clock = options.clock
    this.#defer = options.defer ?? setImmediate
    this.#offset = this.#clock.now() - this.#clock.monotonic()
  }

  /** Wakes `key` at the wall time `at` (epoch milliseconds), instead of any time set before. */
  set(key: K, at: number): void {
    this.#heap.set(key, at)
    if (!this.#busy) this.#arm()
  }

  delete(key: K): void {
    this.#heap.delete(key)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #arm(): void {
    if (this.#stopped) return
    const next = this.#heap.peek()
    const sleep = Math.min(MAX_SLEEP_MS, Math.max(0, (next ?? Infinity) - this.#clock.now()))
    const at = this.#clock.monotonic() + sleep
    if (this.#timer !== undefined && this.#timerAt <= at) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#clock.after(Math.ceil(sleep), () => this.#wake())
  }

  #wake(): void {
    this.#timer = undefined
    this.#busy = true
    const offset = this.#clock.now() - this.#clock.monotonic()
    const step = offset - this.#offset
    this.#offset = offset
    if (Math.abs(step) >= 1000) this.#options.stepped?.(step)
    this.#drain()
  }

  #drain(): void {
    if (this.#stopped) return
    const slice = new TimeSlice(this.#clock)
    do {
      const now = this.#clock.now()
      const next = this.#heap.peek()
      const key = next !== undefined && next <= now ? this.#heap.pop() : undefined
      if (key === undefined) {
        this.#busy = false
        this.#arm()
        return
      }
      this.#options.due(key, now)
    } while (!slice.over)
    this.#defer(() => this.#drain())
  }
}
