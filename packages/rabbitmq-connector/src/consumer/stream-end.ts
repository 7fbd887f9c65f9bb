import type { Clock } from '@millrace/sdk'
import { streamOffsetOf } from '../mapping/attributes.ts'
import type { AmqpLink } from '../transport/transport.ts'

/** The last chunk has come when nothing has come for so long. */
const quietMs = 500
/** Of a stream that is written to all the time some later message will do: it has no end to wait for. */
const maxLooks = 10
/** A consumer of this look alone; the broker wants a bound, and every message is given back its credit. */
const prefetch = 500

/**
 * The offset of the newest message of a stream, or one of its newest where more come all the time, read on a channel of its own within five
 * seconds; `undefined`: it is empty.
 *
 * @throws MillraceError
 */
export const streamEnd = async (link: AmqpLink, queue: string, consumerTag: string, clock: Clock): Promise<number | undefined> => {
  const channel = await link.openChannel()
  let end: number | undefined
  let came = 0
  try {
    await channel.prefetch(prefetch)
    await channel.consume(
      queue,
      { consumerTag, arguments: new Map([['x-stream-offset', 'last']]) },
      {
        onMessage(message) {
          came += 1
          end = Math.max(end ?? 0, streamOffsetOf(message) ?? 0)
          channel.ack(message.deliveryTag)
        },
        onCancelled: () => {},
      },
    )
    for (let before = -1, looks = 0; came !== before && looks < maxLooks; looks += 1) {
      before = came
      await new Promise<void>((resolve) => void clock.after(quietMs, resolve))
    }
    return end
  } finally {
    await channel.close()
  }
}
