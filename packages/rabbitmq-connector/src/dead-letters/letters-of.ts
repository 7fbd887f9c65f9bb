import type { DeadLetter, Logger } from '@millrace/sdk'
import { readRabbitmqLetters, removeRabbitmqLetters } from './read-rabbitmq-letters.ts'
import { amqplibTransport } from '../transport/amqplib-transport.ts'
import type { ConnectionOptions } from '../transport/connection-options.ts'
import { createPublisher } from '../transport/publisher.ts'
import type { Publisher } from '../transport/transport.ts'

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

/** A publisher over a connection of its own, for the letters of one queue. */
interface OwnPublisher extends AsyncDisposable {
  readonly place: { readonly publisher: Publisher; readonly vhost: string; readonly queue: string }
}

const openPublisher = async ({ connection: reach, queue, logger, linkMs = 5000 }: RabbitmqLettersOptions): Promise<OwnPublisher> => {
  const connection = amqplibTransport(reach, logger).connection('publish')
  try {
    // Why there is none is said here, and not after the time that a message may wait for its confirm.
    await connection.link(linkMs)
  } catch (error) {
    await connection.close()
    throw error
  }
  const publisher = createPublisher(connection)
  return {
    place: { publisher, vhost: reach.vhost, queue },
    [Symbol.asyncDispose]: async () => {
      try {
        await publisher.close()
      } finally {
        await connection.close()
      }
    },
  }
}

/**
 * The letters of a dead-letter queue over a connection of its own, closed at the end. They stay in the queue.
 *
 * @throws MillraceError `E_RABBITMQ_*`
 */
export async function* rabbitmqLetters(options: RabbitmqLettersOptions): AsyncGenerator<DeadLetter, void> {
  const { onForeign } = options
  await using own = await openPublisher(options)
  yield* readRabbitmqLetters({ ...own.place, ...(onForeign !== undefined && { onForeign }) })
}

/**
 * Takes the letters that were delivered out of a dead-letter queue, over a connection of its own; all else stays, in its order. May be done
 * again whenever it was interrupted.
 *
 * @param isDelivered asked once for each letter
 * @returns how many went
 * @throws MillraceError `E_RABBITMQ_*`
 */
export const removeDeliveredRabbitmqLetters = async (
  options: Omit<RabbitmqLettersOptions, 'onForeign'>,
  isDelivered: (letter: DeadLetter) => Promise<boolean>,
): Promise<number> => {
  await using own = await openPublisher(options)
  return await removeRabbitmqLetters(own.place, isDelivered)
}
