import type { Clock, Timer } from '../../contract/clock.ts'

/** One timer for everything that waits: set again only when something is due earlier than it. */
export class Waker {
  readonly #clock: Clock
  readonly #wake: () => void
  #timer: Timer | undefined
  #at = Number.POSITIVE_INFINITY

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
  }

  /** Wake at this monotonic time, or earlier if that was asked for before. */
  at(dueAt: number): void {
    if (dueAt >= this.#at) return
    this.#timer?.cancel()
    this.#at = dueAt
    this.#timer = this.#clock.after(Math.max(0, dueAt - this.#clock.monotonic()), () => {
      this.#timer = undefined
      this.#at = Number.POSITIVE_INFINITY
      this.#wake()
    })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }
}
