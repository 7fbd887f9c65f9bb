import type { Clock, Timer } from '@millrace/sdk'
import { growingWait } from './growing-wait.ts'

/** When a queue is declared again of which something was refused that it can be consumed without: after 1 s, and then ever less often. */
export class Redeclare {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #onDue: () => void
  #timer: Timer | undefined
  #failures = 0
  #refused = 0

  constructor(clock: Clock, random: () => number, onDue: () => void) {
    this.#clock = clock
    this.#random = random
    this.#onDue = onDue
  }

  /** Bindings that were refused when it was last declared. */
  get refused(): number {
    return this.#refused
  }

  /** What was refused now. */
  take(refused: number): void {
    this.#refused = refused
    if (refused > 0) this.again()
    else this.stop()
  }

  /** It could not be asked. */
  again(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(growingWait(this.#failures, this.#random), this.#onDue)
    this.#failures += 1
  }

  stop(): void {
    this.#timer?.cancel()
    this.#failures = 0
  }
}
