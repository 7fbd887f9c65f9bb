import { undecodable } from './fence-frames.ts'
import { cutText, readTable, timestampMs, writeTable } from './fields.ts'
import type { Message as RawMessage, Options } from './amqplib.ts'
import type { DeliveredMessage, FieldTable, Message, MessageProperties } from './message.ts'

/** A short string of AMQP has at most 255 bytes; one that was no UTF-8 grows when it is decoded, and could not be sent again. */
const shortText = (value: unknown): string | undefined => (typeof value === 'string' ? cutText(value, 255) : undefined)

const octet = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** Only what was sent is set: to `delete` afterwards would make an object whose every property is looked up slowly. */
const readProperties = (raw: RawMessage['properties']): MessageProperties => {
  const properties: { -readonly [K in keyof MessageProperties]?: MessageProperties[K] } = {}
  const contentType = shortText(raw.contentType)
  if (contentType !== undefined) properties.contentType = contentType
  const contentEncoding = shortText(raw.contentEncoding)
  if (contentEncoding !== undefined) properties.contentEncoding = contentEncoding
  const deliveryMode = octet(raw.deliveryMode)
  if (deliveryMode !== undefined) properties.deliveryMode = deliveryMode
  const priority = octet(raw.priority)
  if (priority !== undefined) properties.priority = priority
  const correlationId = shortText(raw.correlationId)
  if (correlationId !== undefined) properties.correlationId = correlationId
  const replyTo = shortText(raw.replyTo)
  if (replyTo !== undefined) properties.replyTo = replyTo
  const expiration = shortText(raw.expiration)
  if (expiration !== undefined) properties.expiration = expiration
  const messageId = shortText(raw.messageId)
  if (messageId !== undefined) properties.messageId = messageId
  const timestamp = timestampMs(raw.timestamp)
  if (timestamp !== undefined) properties.timestamp = timestamp
  const type = shortText(raw.type)
  if (type !== undefined) properties.type = type
  const userId = shortText(raw.userId)
  if (userId !== undefined) properties.userId = userId
  const appId = shortText(raw.appId)
  if (appId !== undefined) properties.appId = appId
  properties.headers = readTable(raw.headers)
  return properties as MessageProperties
}

/** A message as amqplib gives it, in a shape that holds whatever its producer has sent. Never throws. */
export const readMessage = (raw: RawMessage): DeliveredMessage => ({
  exchange: shortText(raw.fields.exchange) ?? '',
  routingKey: shortText(raw.fields.routingKey) ?? '',
  deliveryTag: raw.fields.deliveryTag,
  redelivered: raw.fields.redelivered,
  properties: readProperties(raw.properties),
  body: raw.content,
  ...(raw.properties.headers === undecodable && { undecodable: 'its headers are nested too deep, or hold what AMQP 0-9-1 has not' }),
})

/**
 * `CC` and `BCC` make the broker route a message to further queues ("sender-selected distribution"); in a copy of somebody's message they
 * would spread the copy, and with a value of another type the broker closes the channel.
 */
const withoutDistribution = (headers: FieldTable): FieldTable => {
  if (!headers.has('CC') && !headers.has('BCC')) return headers
  return new Map([...headers].filter(([name]) => name !== 'CC' && name !== 'BCC'))
}

/**
 * A message as amqplib wants it. Left out: the user id, which the broker takes from nobody but that user and else closes the channel
 * (rabbitmq.com, "Validated User ID"), an expiration that is no number, and the headers `CC` and `BCC`.
 * @throws RangeError when its headers are nested too deep
 */
export const writeOptions = ({ properties }: Message, mandatory: boolean): Options.Publish => {
  const { headers, timestamp, userId: _userId, expiration, ...rest } = properties
  return {
    ...rest,
    headers: writeTable(withoutDistribution(headers)),
    mandatory,
    ...(timestamp !== undefined && timestamp >= 0 && { timestamp: Math.trunc(timestamp / 1000) }),
    ...(expiration !== undefined && /^\d{1,10}$/.test(expiration) && { expiration }),
  }
}

/** The bytes of a body, not copied. */
export const bytesOf = (body: Uint8Array): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
