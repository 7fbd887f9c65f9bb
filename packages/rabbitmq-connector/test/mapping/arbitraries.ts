import fc from 'fast-check'
import { copyHeaders } from '../../src/mapping/names.ts'
import type { DeliveredMessage, FieldTable, FieldValue, MessageProperties } from '../../src/transport/message.ts'
import { message } from './messages.ts'

/** Any value of a field table: what a producer can send, and what no decoder should make of it. */
export const field: fc.Arbitrary<FieldValue> = fc.letrec<{ field: FieldValue }>((tie) => ({
  field: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }),
    fc.record({ kind: fc.constant('timestamp' as const), ms: fc.double() }),
    fc.record({ kind: fc.constant('decimal' as const), value: fc.double(), places: fc.integer({ min: -1, max: 300 }) }),
    fc.array(tie('field'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.string({ maxLength: 8 }), tie('field')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  ),
})).field

const loaded = [
  ...Object.values(copyHeaders),
  '__proto__',
  'constructor',
  'CC',
  'BCC',
  'x-death',
  'x-delivery-count',
  'x-stream-offset',
  'traceparent',
  'ce-id',
  'ce-source',
  'ce-type',
  'ce-specversion',
  'cloudEvents:id',
  'cloudEvents_type',
  'Content-Length',
  '',
]

const value: fc.Arbitrary<FieldValue> = fc.oneof(
  { weight: 3, arbitrary: field },
  { weight: 1, arbitrary: fc.constantFrom('1.0', '3', 'ship', 'rabbitmq:%2F/orders/1', '["a"]', '[', '-1') },
)

export const headers: fc.Arbitrary<FieldTable> = fc
  .array(fc.tuple(fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(...loaded)), value), { maxLength: 10 })
  .map((pairs) => new Map(pairs))

const text = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('', 'application/cloudevents+json', 'gzip', 'utf-8', 'orders', 'amq.rabbitmq.reply-to.x'),
  ),
  { nil: undefined },
)
const octet = fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined })

const properties = fc
  .record({
    contentType: text,
    contentEncoding: text,
    deliveryMode: octet,
    priority: octet,
    correlationId: text,
    replyTo: text,
    expiration: text,
    messageId: text,
    timestamp: fc.option(
      fc.integer({ min: 0, max: 8_640_000_000_000 }).map((seconds) => seconds * 1000),
      { nil: undefined },
    ),
    type: text,
    userId: text,
    appId: text,
    headers,
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined)) as unknown as MessageProperties)

/** Whatever a producer can make of a message, by an exchange or right into the queue. */
export const anyMessage: fc.Arbitrary<DeliveredMessage> = fc
  .record({
    exchange: fc.constantFrom('', 'shop'),
    routingKey: fc.constantFrom('orders', 'a.b', ''),
    redelivered: fc.boolean(),
    properties,
    body: fc.uint8Array({ maxLength: 40 }),
  })
  .map((all) => message(all))
