import type { Route } from './route.ts'

/** A FIFO of routes that must not overtake each other. Its head alone is attempted; a lane that is empty is forgotten. */
export class Lane {
  readonly key: string
  /** Routes of it that are queued. */
  queued = 0
  #head: Route | undefined
  #tail: Route | undefined

  constructor(key: string) {
    this.key = key
  }

  get head(): Route | undefined {
    return this.#head
  }

  /** Appends; true when the route is the head now. */
  push(route: Route): boolean {
    if (this.#tail === undefined) {
      this.#head = route
      this.#tail = route
      return true
    }
    this.#tail.nextInLane = route
    this.#tail = route
    return false
  }

  /** Takes the settled head away and gives the next one; skips what was released meanwhile. */
  advance(): Route | undefined {
    let next = this.#head?.nextInLane
    while (next !== undefined && next.state === 'settled') next = next.nextInLane
    this.#head = next
    if (next === undefined) this.#tail = undefined
    return next
  }
}
