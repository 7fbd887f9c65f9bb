import type { Clock, Timer } from '../../contract/clock.ts'

/**
 * Tells a dead connection from a busy one: replies come in order, so while something waits for one, some reply must come within the time.
 * One timer for all that wait.
 */
export class ReplyWatch {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #onSilence: () => void
  #waiting = 0
  #lastAt = 0
  #timer: Timer | undefined

  constructor(clock: Clock, limitMs: number, onSilence: () => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#onSilence = onSilence
  }

  asked(): void {
    if (this.#waiting++ > 0) return
    this.#lastAt = this.#clock.monotonic()
    this.#timer ??= this.#arm(this.#limitMs)
  }

  answered(): void {
    this.#waiting--
    this.#lastAt = this.#clock.monotonic()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(ms: number): Timer {
    // When this process stood still, its timers come before the replies that have arrived meanwhile: those get their turn first.
    return this.#clock.after(ms, () => void setImmediate(() => this.#look()))
  }

  #look(): void {
    if (this.#timer === undefined) return
    this.#timer = undefined
    if (this.#waiting === 0) return
    const left = this.#lastAt + this.#limitMs - this.#clock.monotonic()
    if (left <= 0) return this.#onSilence()
    this.#timer = this.#arm(left)
  }
}
