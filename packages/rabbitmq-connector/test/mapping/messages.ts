import type { DeliveredMessage, FieldTable, FieldValue, MessageProperties } from '../../src/transport/message.ts'
import type { MappingContext, MappingPlan } from '../../src/mapping/message-to-event.ts'

/** Headers, in their order. */
export const table = (...pairs: readonly (readonly [string, FieldValue])[]): FieldTable => new Map(pairs)

export const properties = (differs: Partial<MessageProperties> = {}): MessageProperties => ({ headers: new Map(), ...differs })

/** A message with what a test wants to be different. */
export const message = (differs: Partial<DeliveredMessage> = {}): DeliveredMessage => ({
  exchange: 'shop',
  routingKey: 'orders.eu',
  deliveryTag: 7,
  redelivered: false,
  properties: properties({ messageId: 'm-1' }),
  body: Buffer.from('{"n":1}'),
  ...differs,
})

/** A message that says this and no more. */
export const messageWith = (differs: Partial<MessageProperties>): DeliveredMessage => message({ properties: properties(differs) })

export const plan = (differs: Partial<MappingPlan> = {}): MappingPlan => ({
  queue: 'orders',
  mode: 'queue',
  topic: 'queue',
  tiers: [
    { delayMs: 5000, queue: 'orders.retry.5s' },
    { delayMs: 30_000, queue: 'orders.retry.30s' },
  ],
  ...differs,
})

export const context: MappingContext = { vhost: '/', now: () => 1_764_000_000_000, reach: () => 'subscribed' }
