import type { HeaderField } from '@millrace/sdk'
import type { DeliveredMessage, Message } from '../transport/message.ts'
import { timeText } from './field-text.ts'
import { rabbitmqAttributes as names } from './names.ts'

/** https://www.iana.org/assignments/http-parameters, content codings; `identity` says nothing and is left out. */
const httpCodings = /^(?:(?:x-)?gzip|(?:x-)?compress|deflate|br|zstd)$/i

const codingOf = (coding: string | undefined): readonly (readonly [string, string])[] => {
  if (coding === undefined || coding.toLowerCase() === 'identity') return []
  // A server that does not know a coding answers 415: AMQP clients put `utf-8` or `binary` here.
  return httpCodings.test(coding) ? [[names.httpContentEncoding, coding.toLowerCase()]] : [[names.contentEncoding, coding]]
}

const numberOf = (message: Message, header: string): string | undefined => {
  const value = message.properties.headers.get(header)
  return typeof value === 'number' ? String(value) : undefined
}

/** Position of a message in its stream; `undefined` for one of another queue. */
export const streamOffsetOf = (message: DeliveredMessage): number | undefined => {
  const value = message.properties.headers.get('x-stream-offset')
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** What attributes are made of. */
export interface AttributeParts {
  readonly message: DeliveredMessage
  readonly original: Message
  readonly queue: string
  /** Of a copy: said by it alone. */
  readonly userId: string | undefined
  readonly death: string | undefined
  readonly isStream: boolean
}

/** The properties of a message as headers, each only when it has a value. Over retries all stay the same but `-Redelivered` and `-Delivery-Count`. */
export const attributesOf = (parts: AttributeParts): readonly HeaderField[] => {
  const { message, original } = parts
  const { properties } = original
  const fields: HeaderField[] = []
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') fields.push([name, value])
  }
  add(names.queue, parts.queue)
  add(names.exchange, original.exchange)
  add(names.routingKey, original.routingKey)
  add(names.messageId, properties.messageId)
  add(names.redelivered, String(message.redelivered))
  add(names.deliveryCount, numberOf(message, 'x-delivery-count'))
  add(names.correlationId, properties.correlationId)
  add(names.replyTo, properties.replyTo)
  add(names.type, properties.type)
  add(names.appId, properties.appId)
  add(names.userId, properties.userId)
  add(names.originUserId, parts.userId)
  add(names.priority, properties.priority?.toString())
  add(names.timestamp, properties.timestamp === undefined ? undefined : timeText(properties.timestamp))
  add(names.expiration, properties.expiration)
  add(names.deliveryMode, properties.deliveryMode?.toString())
  add(names.death, parts.death)
  add(names.streamOffset, parts.isStream ? streamOffsetOf(message)?.toString() : undefined)
  for (const [name, value] of codingOf(properties.contentEncoding)) add(name, value)
  return fields
}
