import { describeError, isMillraceError } from '@millrace/sdk'
import type { Clock, Logger, Timer } from '@millrace/sdk'
import { growingWait } from './growing-wait.ts'
import type { RabbitmqObserver } from './observer.ts'

/** @see Quarantine */
export interface QuarantineOptions {
  readonly queue: string
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly observer: RabbitmqObserver
  /** The wait is over. */
  readonly onEnd: () => void
}

const codeOf = (error: unknown): string => (isMillraceError(error) ? error.code : 'unknown')

/** Where a queue waits that cannot be consumed: 1 s at first, doubled each time up to 60 s, and half of it at random. */
export class Quarantine {
  readonly #options: QuarantineOptions
  #timer: Timer | undefined
  #failures = 0
  #problem: Error | undefined

  constructor(options: QuarantineOptions) {
    this.#options = options
  }

  /** It waits. */
  get on(): boolean {
    return this.#timer !== undefined
  }

  /** Why it is, or was until it was consumed again. */
  get problem(): Error | undefined {
    return this.#problem
  }

  /** @param afresh it was consumed for long before: the waits begin at the shortest */
  enter(error: unknown, afresh: boolean): void {
    const { random, observer, queue } = this.#options
    if (afresh) this.#failures = 0
    const retryMs = growingWait(this.#failures, random)
    this.#failures += 1
    const known = this.#problem !== undefined && codeOf(this.#problem) === codeOf(error)
    this.#problem = error instanceof Error ? error : new Error(describeError(error))
    observer.quarantined(queue, codeOf(error), retryMs)
    this.#report(error, known, retryMs)
    this.wait(retryMs)
  }

  wait(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(ms, () => this.end())
  }

  /** Now, whatever is left of the wait. */
  end(): void {
    if (this.#timer === undefined) return
    this.stop()
    this.#options.onEnd()
  }

  /** It is consumed. */
  recovered(): void {
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#options.observer.recovered(this.#options.queue)
    this.#options.logger.info('the queue is consumed again', { queue: this.#options.queue })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Loudly once, and quietly while it stays the same. */
  #report(error: unknown, known: boolean, retryMs: number): void {
    const { logger, queue } = this.#options
    const what = 'the queue is not consumed; it is tried again'
    const level = known ? 'debug' : 'error'
    if (isMillraceError(error)) {
      logger[level](error.message, { code: error.code, effect: error.effect, fix: error.fix, what, queue, retryMs })
    } else logger[level](what, { error: describeError(error), queue, retryMs })
  }
}
