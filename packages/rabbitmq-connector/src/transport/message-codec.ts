import { undecodable } from './fence-frames.ts'
import { cutText, readTable, timestampMs, writeTable } from './fields.ts'
import type { Message as RawMessage, Options } from './amqplib.ts'
import type { DeliveredMessage, FieldTable, Message, MessageProperties } from './message.ts'

/** A short string of AMQP has at most 255 bytes; one that was no UTF-8 grows when it is decoded, and could not be sent again. */
const shortText = (value: unknown): string | undefined => (typeof value === 'string' ? cutText(value, 255) : undefined)

const octet = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

const readProperties = (raw: RawMessage['properties']): MessageProperties => {
  const properties: { -readonly [K in keyof MessageProperties]?: MessageProperties[K] | undefined } = {
    contentType: shortText(raw.contentType),
    contentEncoding: shortText(raw.contentEncoding),
    deliveryMode: octet(raw.deliveryMode),
    priority: octet(raw.priority),
    correlationId: shortText(raw.correlationId),
    replyTo: shortText(raw.replyTo),
    expiration: shortText(raw.expiration),
    messageId: shortText(raw.messageId),
    timestamp: timestampMs(raw.timestamp),
    type: shortText(raw.type),
    userId: shortText(raw.userId),
    appId: shortText(raw.appId),
    headers: readTable(raw.headers),
  }
  for (const name of Object.keys(properties) as (keyof MessageProperties)[]) if (properties[name] === undefined) delete properties[name]
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
