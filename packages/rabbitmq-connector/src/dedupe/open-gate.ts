import { describeError, MillraceError } from '@millrace/sdk'
import type { Clock, Logger } from '@millrace/sdk'

export interface OpenGateOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** How long one call is waited for, in milliseconds. */
  readonly timeoutMs: number
  /** While calls fail, one of them is let through every so many milliseconds to see; the others do not wait. */
  readonly retryMs: number
  /** For the log: what fails, and what that means. */
  readonly what: string
  readonly effect: string
  /** A call failed, or was not made. */
  readonly onMissed: () => void
}

/**
 * Calls of something that may be done without. Each ends within its time with its answer or with `undefined`; an outage costs one call a
 * second its time, not every one. One line says that it began, and one that it is over.
 */
export class OpenGate {
  readonly #options: OpenGateOptions
  #missed = 0
  #isDown = false
  #nextAt = 0

  constructor(options: OpenGateOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async pass<T>(call: () => Promise<T>): Promise<{ readonly answer: T } | undefined> {
    const { clock, retryMs } = this.#options
    if (this.#isDown) {
      if (clock.monotonic() < this.#nextAt) return this.#miss()
      this.#nextAt = clock.monotonic() + retryMs
    }
    try {
      const answer = await this.#inTime(call)
      this.#succeeded()
      return { answer }
    } catch (error) {
      this.#failed(error)
      return this.#miss()
    }
  }

  #inTime<T>(call: () => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new MillraceError('E_STATE_IO', { operation: 'use', reason: `no answer within ${timeoutMs} ms` }))
      const timer = clock.after(timeoutMs, late)
      call()
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })
  }

  #miss(): undefined {
    this.#missed++
    this.#options.onMissed()
    return undefined
  }

  #succeeded(): void {
    if (!this.#isDown) return
    const { logger, what } = this.#options
    logger.info(`dedupe: ${what} again`, { missed: this.#missed })
    this.#isDown = false
    this.#missed = 0
  }

  #failed(error: unknown): void {
    const { clock, logger, retryMs, what, effect } = this.#options
    this.#nextAt = clock.monotonic() + retryMs
    if (this.#isDown) return
    this.#isDown = true
    logger.warn(`dedupe: not ${what} for now; ${effect}`, { error: describeError(error, 300) })
  }
}
