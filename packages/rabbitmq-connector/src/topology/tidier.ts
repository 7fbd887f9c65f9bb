import type { Clock, Timer } from '@millrace/sdk'

/** @see Tidier */
export interface TidierOptions {
  readonly clock: Clock
  /** @returns in how many milliseconds it should be done again; `undefined`: when it is asked for */
  readonly tidy: () => Promise<number | undefined>
  readonly onFailed: (error: unknown) => void
}

const shortestMs = 1000

/** Sees to queues that nobody consumes, beside everything else: one turn at a time, and one more for whatever was asked for meanwhile. */
export class Tidier {
  readonly #options: TidierOptions
  #timer: Timer | undefined
  #working: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(options: TidierOptions) {
    this.#options = options
  }

  ask(): void {
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#again = true
    this.#working ??= this.#work()
  }

  /** Begins no other turn. @returns when the present one has ended */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#working
  }

  async #work(): Promise<void> {
    const { clock, tidy, onFailed } = this.#options
    while (this.#again && !this.#stopped) {
      this.#again = false
      try {
        const againMs = await tidy()
        this.#timer?.cancel()
        if (againMs !== undefined && !this.#stopped) this.#timer = clock.after(Math.max(shortestMs, againMs), () => this.ask())
      } catch (error) {
        if (!this.#stopped) onFailed(error)
      }
    }
    this.#working = undefined
  }
}
