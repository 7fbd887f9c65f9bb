import { isMillraceError } from '@millrace/sdk'
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

/** False: it cannot be written as it is. What the broker adds when it dead-letters (`x-death`) may be too much for the headers' 64 KiB. */
const rewrite = async (publisher: Publisher, message: DeliveredMessage, queue: string): Promise<boolean> => {
  if (message.undecodable !== undefined) return false
  try {
    await publisher.publish(again(message, queue), { mandatory: true })
    return true
  } catch (error) {
    if (isMillraceError(error) && error.code === 'E_RABBITMQ_HEADERS_TOO_LARGE') return false
    throw error
  }
}

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

/** What one pass over a queue does. */
interface Pass extends ReadRabbitmqLettersOptions {
  /** True: this message goes for good. */
  readonly removes: (letter: DeadLetter | undefined) => Promise<boolean>
}

/**
 * Passes once over what is in a queue when it begins, in batches. Each message is written to the end of the queue, confirmed, and only then
 * acknowledged, unless it goes. Messages are never given back unacknowledged: a queue may drop what was given back too often
 * (`x-delivery-limit`, 20 by default from RabbitMQ 4.0, and a dead-letter queue has no other place for it). The exception is what cannot be
 * written again: it goes back when the pass is over, and holds up nothing that is behind it.
 */
async function* passOver({ publisher, queue, vhost, signal, removes }: Pass): AsyncGenerator<readonly (DeadLetter | undefined)[], void> {
  const channel = await publisher.openChannel()
  try {
    let { messages: left } = await channel.checkQueue(queue)
    while (left > 0) {
      signal?.throwIfAborted()
      const messages = await getSome(channel, queue, Math.min(left, batchSize))
      if (messages.length === 0) return
      left -= messages.length
      const letters = messages.map((message) => parseLetter(message, vhost))
      const gone = await Promise.all(letters.map((letter) => removes(letter)))
      const leave = async (message: DeliveredMessage, index: number): Promise<boolean> =>
        gone[index] === true || (await rewrite(publisher, message, queue))
      const ends = await Promise.all(messages.map(leave))
      for (const [index, { deliveryTag }] of messages.entries()) if (ends[index] === true) channel.ack(deliveryTag)
      yield letters
    }
  } finally {
    await channel.close()
  }
}

/**
 * The dead letters in a RabbitMQ queue as they were when the reading began; for `millrace replay`. They stay in the queue, in their order.
 * A crash leaves up to 64 of them there twice.
 *
 * @throws MillraceError `E_RABBITMQ_*`
 */
export async function* readRabbitmqLetters(options: ReadRabbitmqLettersOptions): AsyncGenerator<DeadLetter, void> {
  for await (const letters of passOver({ ...options, removes: () => Promise.resolve(false) })) {
    for (const letter of letters) {
      if (letter === undefined) options.onForeign?.()
      else if (options.function === undefined || letter.function === options.function) yield letter
    }
  }
}

/**
 * Takes the letters that were delivered out of a RabbitMQ queue; all else stays, in its order. For after a replay: may be done again
 * whenever it was interrupted.
 *
 * @param isDelivered asked once for each letter, e.g. the log of the replay
 * @returns how many went
 * @throws MillraceError `E_RABBITMQ_*`
 */
export const removeRabbitmqLetters = async (
  options: Omit<ReadRabbitmqLettersOptions, 'function' | 'onForeign'>,
  isDelivered: (letter: DeadLetter) => Promise<boolean>,
): Promise<number> => {
  let removed = 0
  const removes = async (letter: DeadLetter | undefined): Promise<boolean> => {
    const goes = letter !== undefined && (await isDelivered(letter))
    if (goes) removed += 1
    return goes
  }
  for await (const _ of passOver({ ...options, removes }));
  return removed
}
