import type { DeadLetter } from '@millrace/sdk'
import { copyHeaders } from '../mapping/names.ts'
import { jsonText } from '../mapping/field-text.ts'
import type { DeliveredMessage, FieldTable, FieldValue, Message } from '../transport/message.ts'
import type { AmqpChannel, Publisher } from '../transport/transport.ts'
import { parseLetter } from './parse-letter.ts'

/** What the readers take. */
export interface ReadRabbitmqLettersOptions {
  /** Letters are read on its connection. Somebody else's to close. */
  readonly publisher: Publisher
  readonly vhost: string
  /** The dead-letter queue. */
  readonly queue: string
  /** Letters of this function alone. */
  readonly function?: string
  /** Called for each message that is no letter of Millrace, e.g. one that the broker has dead-lettered; it is left where it is. */
  readonly onForeign?: () => void
  readonly signal?: AbortSignal
}

/** A letter that is held, unacknowledged, until it is known what becomes of it. Exactly one of the two is to be called. */
export interface HeldLetter {
  readonly letter: DeadLetter
  /** It was delivered: it goes from the queue. */
  done(): void
  /** It stays: written to the end of the queue, confirmed, and only then taken from where it was. */
  keep(): Promise<void>
}

/** How many are written at once, and so how many may be there twice after a crash. */
const batchSize = 64

/** What the broker counts of a message in a queue: begun anew, since reading it is no failure. */
const counts: ReadonlySet<string> = new Set(['x-delivery-count', 'x-acquired-count'])

const moved = (properties: DeliveredMessage['properties']): readonly (readonly [string, FieldValue])[] => {
  const aside: readonly (readonly [string, string | undefined])[] = [
    [copyHeaders.originUserId, properties.userId],
    [copyHeaders.originExpiration, properties.expiration],
    [copyHeaders.originCc, properties.headers.has('CC') ? jsonText(properties.headers.get('CC') ?? null) : undefined],
  ]
  return aside.flatMap(([name, value]) => (value === undefined || properties.headers.has(name) ? [] : [[name, value] as const]))
}

/** The same message for the end of its queue; what must not be published by somebody else is kept in headers. */
const again = ({ properties, body }: DeliveredMessage, queue: string): Message => {
  const { userId: _, expiration: __, ...kept } = properties
  const own = [...properties.headers].filter(([name]) => !counts.has(name) && name !== 'CC' && name !== 'BCC')
  const headers: FieldTable = new Map([...own, ...moved(properties)])
  return { exchange: '', routingKey: queue, properties: { ...kept, deliveryMode: 2, headers }, body }
}

const rewrite = (publisher: Publisher, message: DeliveredMessage, queue: string): Promise<void> =>
  publisher.publish(again(message, queue), { mandatory: true })

/** Up to `most` messages, in their order. */
const getSome = async (channel: AmqpChannel, queue: string, most: number): Promise<readonly DeliveredMessage[]> => {
  const messages: DeliveredMessage[] = []
  while (messages.length < most) {
    const message = await channel.get(queue)
    if (message === undefined) break
    messages.push(message)
  }
  return messages
}

const isWanted = (letter: DeadLetter, { function: name }: ReadRabbitmqLettersOptions): boolean =>
  name === undefined || letter.function === name

/**
 * The dead letters in a RabbitMQ queue as they were when the reading began; for `millrace replay`. Letters stay in the queue, in their
 * order: each is written to its end, confirmed, and only then acknowledged. They are never given back unacknowledged, since a queue may
 * drop what was given back too often (`x-delivery-limit`, 20 by default from RabbitMQ 4.0). A crash leaves up to 64 of them there twice.
 *
 * @throws MillraceError `E_RABBITMQ_*`
 */
export async function* readRabbitmqLetters(options: ReadRabbitmqLettersOptions): AsyncGenerator<DeadLetter, void> {
  const { publisher, queue, vhost, signal } = options
  const channel = await publisher.openChannel()
  try {
    let { messages: left } = await channel.checkQueue(queue)
    while (left > 0) {
      signal?.throwIfAborted()
      const messages = await getSome(channel, queue, Math.min(left, batchSize))
      const last = messages.at(-1)
      if (last === undefined) return
      left -= messages.length
      await Promise.all(messages.map((message) => rewrite(publisher, message, queue)))
      channel.ack(last.deliveryTag, true)
      for (const message of messages) {
        const letter = parseLetter(message, vhost)
        if (letter === undefined) options.onForeign?.()
        else if (isWanted(letter, options)) yield letter
      }
    }
  } finally {
    await channel.close()
  }
}

/**
 * Takes letters out of a RabbitMQ queue, one look at each that was there when it began: what was delivered is acknowledged and gone, all
 * else stays. What is still held when the reader ends goes back as it was.
 *
 * @throws MillraceError `E_RABBITMQ_*`
 */
export async function* takeRabbitmqLetters(options: ReadRabbitmqLettersOptions): AsyncGenerator<HeldLetter, void> {
  const { publisher, queue, vhost, signal } = options
  const channel = await publisher.openChannel()
  const keeping = new Set<Promise<void>>()
  const keep = async (message: DeliveredMessage): Promise<void> => {
    await rewrite(publisher, message, queue)
    channel.ack(message.deliveryTag)
  }
  try {
    let { messages: left } = await channel.checkQueue(queue)
    for (; left > 0; left -= 1) {
      signal?.throwIfAborted()
      const message = await channel.get(queue)
      if (message === undefined) break
      const letter = parseLetter(message, vhost)
      if (letter !== undefined && isWanted(letter, options)) {
        yield { letter, done: () => channel.ack(message.deliveryTag), keep: () => keep(message) }
        continue
      }
      if (letter === undefined) options.onForeign?.()
      const kept = keep(message).finally(() => keeping.delete(kept))
      keeping.add(kept)
      if (keeping.size >= batchSize) await Promise.all(keeping)
    }
    await Promise.all(keeping)
  } finally {
    await channel.close()
  }
}
