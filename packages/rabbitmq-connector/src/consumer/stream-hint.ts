import { MillraceError } from '@millrace/sdk'
import type { Logger } from '@millrace/sdk'
import { streamOffsetOf } from '../mapping/attributes.ts'
import type { DeliveredMessage } from '../transport/message.ts'

/** Notices that what is consumed as a queue is a stream: the broker tells the offset of each message of one. */
export class StreamHint {
  readonly #queue: string
  readonly #logger: Logger
  #isStream = false

  constructor(queue: string, logger: Logger) {
    this.#queue = queue
    this.#logger = logger
  }

  /** A producer may write an offset too: then this is said once too often, and only once. */
  look(message: DeliveredMessage): void {
    if (this.#isStream || streamOffsetOf(message) === undefined) return
    this.#isStream = true
    const told = new MillraceError('E_RABBITMQ_IS_STREAM', { queue: this.#queue })
    this.#logger.warn(told.message, { code: told.code, effect: told.effect, fix: told.fix, queue: this.#queue })
  }

  /** Why its consumer is gone, when nobody has said so. */
  get loss(): MillraceError {
    return new MillraceError(this.#isStream ? 'E_RABBITMQ_IS_STREAM' : 'E_RABBITMQ_CONSUMER_CANCELLED', { queue: this.#queue })
  }
}
