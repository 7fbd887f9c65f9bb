import type { DeadLetter, Logger } from '@millrace/sdk'
import { readRabbitmqLetters } from './dead-letters/read-rabbitmq-letters.ts'
import { amqplibTransport } from './transport/amqplib-transport.ts'
import type { ConnectionOptions } from './transport/connection-options.ts'
import { createPublisher } from './transport/publisher.ts'

/** What `rabbitmqLetters` takes. */
export interface RabbitmqLettersOptions {
  readonly connection: ConnectionOptions
  /** The dead-letter queue. */
  readonly queue: string
  readonly logger: Logger
  /** Called for each message that is no letter of Millrace; it stays. */
  readonly onForeign?: () => void
  /** How long the first connection is tried for. @default 5000 */
  readonly linkMs?: number
}

/**
 * The letters of a dead-letter queue over a connection of its own, closed at the end. They stay in the queue.
 *
 * @throws MillraceError `E_RABBITMQ_*`
 */
export async function* rabbitmqLetters(options: RabbitmqLettersOptions): AsyncGenerator<DeadLetter, void> {
  const { connection: reach, queue, logger, onForeign, linkMs = 5000 } = options
  const connection = amqplibTransport(reach, logger).connection('publish')
  try {
    // Why there is none is said here, and not after the time that a message may wait for its confirm.
    await connection.link(linkMs)
    const publisher = createPublisher(connection)
    try {
      yield* readRabbitmqLetters({ publisher, vhost: reach.vhost, queue, ...(onForeign !== undefined && { onForeign }) })
    } finally {
      await publisher.close()
    }
  } finally {
    await connection.close()
  }
}
