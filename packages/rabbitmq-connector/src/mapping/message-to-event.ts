import type { CloudEvent, Delivery, HeaderField, MillraceEvent, Target } from '@millrace/sdk'
import type { DeliveredMessage, FieldTable, Message } from '../transport/message.ts'
import type { IntakePlan } from '../topology/plan.ts'
import { attributesOf, streamOffsetOf } from './attributes.ts'
import { asCloudEvent, readCloudEvent, withCloudEvent } from './cloud-events.ts'
import { type Copy, readCopy } from './copy.ts'
import { deathSummary } from './death.ts'
import { eventIdOf, isContentId, segment } from './event-id.ts'
import { fieldText, headerText, plainFieldText } from './field-text.ts'
import { isBrokerHeader } from './names.ts'
import { rememberMessage } from './origin.ts'

/** What orders events under `order: key`: the routing key, or a header by name. */
export type OrderKey = 'routing-key' | { readonly header: string }

/**
 * What a function that a copy names is to its topic. Headers are written by producers, so only a function that subscribes is reached by
 * them; one that is gone (`unlisted`) ends its copy as the runtime's settle table says.
 */
export type Reach = 'subscribed' | 'unsubscribed' | 'unlisted'

/** What the mapping knows beside the message. */
export interface MappingContext {
  readonly vhost: string
  /** Epoch milliseconds. */
  now(): number
  /** @default 'routing-key' */
  readonly orderKey?: OrderKey
  /** Asked for copies in queues of several functions. @default no function is reached by name */
  readonly reach?: (name: string, topic: string) => Reach
  /** Give `ce-*` headers to messages that are no CloudEvents. @default false */
  readonly cloudEvents?: boolean
  /** A larger body is dead-lettered without a call. @default without bound */
  readonly maxBodyBytes?: number
}

/** The parts of a delivery that come from the message. */
export interface MappedMessage {
  readonly event: MillraceEvent
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly targets?: readonly Target[]
  /** Of a queue of one function, and no copy: the function's filter was not asked before. */
  readonly asksFilter?: true
}

/** The parts of a plan that the mapping needs. */
export type MappingPlan = Pick<IntakePlan, 'queue' | 'mode' | 'topic' | 'function' | 'tiers'>

/** The CloudEvents type of a message that says none. */
export const plainType = 'com.rabbitmq.message'

/** The codec looks at no more. */
const maxHeaders = 1024
const traceNames: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number => (left < right ? -1 : 1)

/**
 * The producer's headers; what is too long to be one over HTTP is left out here, and is in the dead letter all the same. By name, which is how
 * the broker sorts those of a message that has waited in a delay queue: where there are too many, all attempts see the same ones.
 */
const forwarded = (headers: FieldTable): readonly HeaderField[] => {
  const fields: HeaderField[] = []
  for (const [name, value] of headers.size > 1 ? [...headers].sort(byName) : headers) {
    if (fields.length === maxHeaders) break
    if (isBrokerHeader(name)) continue
    const text = traceNames.has(name.toLowerCase()) ? plainFieldText(value) : fieldText(value)
    if (text !== undefined) fields.push([name, text])
  }
  return fields
}

const orderingKeyOf = (original: Message, order: OrderKey, cloudEvent: CloudEvent | undefined): string | undefined => {
  if (order === 'routing-key') return cloudEvent?.partitionKey ?? original.routingKey
  return headerText(original.properties.headers, order.header) ?? cloudEvent?.partitionKey
}

const targetsOf = (copy: Copy | undefined, plan: MappingPlan, topic: string, context: MappingContext): readonly Target[] | undefined => {
  const target = copy?.target
  if (plan.function !== undefined) return [target?.function === plan.function ? target : { function: plan.function, attempts: 0 }]
  if (target === undefined) return undefined
  const reach = context.reach?.(target.function, topic) ?? 'unsubscribed'
  // The others have had their part of an event whose retry outlives its function. A function that does not subscribe is not called by name.
  return reach === 'subscribed' || (reach === 'unlisted' && copy?.isRetry === true) ? [target] : undefined
}

type Identity = Pick<MillraceEvent, 'id' | 'source' | 'type'> & { readonly time: number | undefined }

const identityOf = (
  message: DeliveredMessage,
  copy: Copy | undefined,
  { queue, mode }: MappingPlan,
  vhost: string,
  event: CloudEvent | undefined,
): Identity => {
  const original = copy?.original ?? message
  const { type, timestamp } = original.properties
  const offset = mode === 'stream' ? streamOffsetOf(message) : undefined
  return {
    id: copy?.eventId ?? eventIdOf(original, { vhost, queue, offset }, event),
    source: event?.source ?? `/rabbitmq/${segment(vhost)}/${segment(original.exchange)}`,
    type: event?.type ?? (type === undefined || type === '' ? plainType : type),
    time: event?.time ?? timestamp,
  }
}

const plainCloudEvent = ({ id, source, type, time }: Identity, original: Message): CloudEvent | undefined => {
  const attributes = new Map([
    ['specversion', '1.0'],
    ['id', id],
    ['source', source],
    ['type', type],
  ])
  if (original.routingKey !== '') attributes.set('subject', original.routingKey)
  if (time !== undefined && Math.abs(time) < 253_402_300_800_000) attributes.set('time', new Date(time).toISOString())
  return asCloudEvent(attributes, original.body)
}

/** What no function can be given: what it would see is not what was sent. Straight to the dead letters, and no call. */
const unreadableOf = ({ undecodable, body: { length } }: DeliveredMessage, max: number | undefined): Pick<MappedMessage, 'unreadable'> => {
  if (undecodable !== undefined) return { unreadable: { reason: 'decode', detail: undecodable } }
  if (max === undefined || length <= max) return {}
  return { unreadable: { reason: 'too-large', detail: `the body has ${length} bytes, and ${max} are allowed` } }
}

/**
 * The event of a message. A total function: nothing that a producer can write makes it throw or leave a message out.
 *
 * - id: of a copy its `millrace-event-id`, else as `eventIdOf` says; the same whenever the message is given again.
 * - what a function sees of a retry copy is the original: its exchange, routing key, properties and headers.
 * - order by key: a CloudEvent's `partitionkey`, else the routing key; or a header, where one is configured.
 */
export const messageToEvent = (message: DeliveredMessage, plan: MappingPlan, context: MappingContext): MappedMessage => {
  const copy = plan.mode === 'stream' ? undefined : readCopy(message, plan.queue, context.now())
  const original = copy?.original ?? message
  const { properties, body } = original
  const death = copy?.death ?? deathSummary(message.properties.headers, (queue) => plan.tiers.some((tier) => tier.queue === queue))
  const userId = copy?.userId ?? message.properties.userId
  const cloudEvent = readCloudEvent(original)
  const identity = identityOf(message, copy, plan, context.vhost, cloudEvent)
  const { id, source, type, time } = identity
  const topic = plan.topic === 'queue' ? plan.queue : original.routingKey
  const contentType = cloudEvent === undefined ? properties.contentType : cloudEvent.contentType
  const orderingKey = orderingKeyOf(original, context.orderKey ?? 'routing-key', cloudEvent)
  const shown = cloudEvent ?? (context.cloudEvents === true ? plainCloudEvent(identity, original) : undefined)
  const event: MillraceEvent = {
    id,
    source,
    type,
    topic,
    data: cloudEvent?.data ?? body,
    headers: withCloudEvent(forwarded(properties.headers), shown),
    attributes: attributesOf({ message, original, queue: plan.queue, userId: copy?.userId, death, isStream: plan.mode === 'stream' }),
    ...(isContentId(id) && { ambiguousId: true }),
    ...(time !== undefined && { time }),
    ...(contentType !== undefined && contentType !== '' && { contentType }),
    ...(orderingKey !== undefined && { orderingKey }),
  }
  const targets = targetsOf(copy, plan, topic, context)
  const isFirst = plan.function !== undefined && copy?.target?.function !== plan.function
  return {
    event: rememberMessage(event, { message, original, queue: plan.queue, userId, death }),
    ...(targets !== undefined && { targets }),
    ...(isFirst && { asksFilter: true }),
    ...unreadableOf(message, context.maxBodyBytes),
  }
}
