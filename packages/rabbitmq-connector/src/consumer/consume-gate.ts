import { isMillraceError } from '@millrace/sdk'
import type { Clock } from '@millrace/sdk'
import { within } from './wait.ts'

/**
 * Lets one consume at a time onto a link, so that a connection that the broker closes over one (541) can be laid at a queue's door. A queue
 * whose consume is not answered holds the others up for `patienceMs` and no longer.
 */
export class ConsumeGate {
  readonly #clock: Clock
  readonly #soon: (run: () => void) => void
  readonly #patienceMs: number
  readonly #inFlight = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock, soon: (run: () => void) => void, patienceMs: number = 2000) {
    this.#clock = clock
    this.#soon = soon
    this.#patienceMs = patienceMs
  }

  /** Whose consume is not answered yet. */
  get inFlight(): ReadonlySet<string> {
    return this.#inFlight
  }

  async run(queue: string, consume: () => Promise<void>): Promise<void> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    await within(this.#clock, this.#patienceMs, before)
    this.#inFlight.add(queue)
    try {
      await consume()
      this.#inFlight.delete(queue)
    } catch (error) {
      // What was not answered may still cost the connection; and its end may be heard of a moment later than that of the channel.
      if (!isMillraceError(error) || error.code !== 'E_RABBITMQ_NO_ANSWER') this.#soon(() => this.#inFlight.delete(queue))
      throw error
    } finally {
      resolve()
    }
  }
}
