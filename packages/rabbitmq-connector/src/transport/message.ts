/** A moment in a field table, epoch milliseconds (AMQP has seconds). */
export interface FieldTimestamp {
  readonly kind: 'timestamp'
  readonly ms: number
}

/** A decimal: `value` / 10^`places`. */
export interface FieldDecimal {
  readonly kind: 'decimal'
  readonly value: number
  readonly places: number
}

/** A value of a field table (AMQP 0-9-1 section 4.2.5.5). 64-bit integers are numbers, inexact above 2^53. */
export type FieldValue = null | boolean | number | string | Uint8Array | FieldTimestamp | FieldDecimal | readonly FieldValue[] | FieldTable

/** Names come from producers: a map, never an object with their names as keys. */
export type FieldTable = ReadonlyMap<string, FieldValue>

/** The properties of a basic message. An absent one was not sent. */
export interface MessageProperties {
  readonly contentType?: string
  readonly contentEncoding?: string
  /** 1 transient, 2 persistent. */
  readonly deliveryMode?: number
  readonly priority?: number
  readonly correlationId?: string
  readonly replyTo?: string
  /** Milliseconds, as text. */
  readonly expiration?: string
  readonly messageId?: string
  /** Epoch milliseconds; AMQP has whole seconds. */
  readonly timestamp?: number
  readonly type?: string
  readonly userId?: string
  readonly appId?: string
  readonly headers: FieldTable
}

/** A message, on its way in or out. The body is never copied and never changed. */
export interface Message {
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly body: Uint8Array
}

/** A message as a queue gave it. */
export interface DeliveredMessage extends Message {
  /** Of its channel; means nothing on another one. */
  readonly deliveryTag: number
  readonly redelivered: boolean
  /** Why its headers could not be decoded: they are empty here. All else is as it came. */
  readonly undecodable?: string
}
