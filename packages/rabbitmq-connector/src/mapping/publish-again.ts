import type { HeaderField, MillraceEvent } from '@millrace/sdk'
import type { FieldTable, FieldValue, Message, MessageProperties } from '../transport/message.ts'
import { jsonText } from './field-text.ts'
import { copyHeaders, copyPrefix, isBrokerHeader, isRoutingHeader, rabbitmqAttributes as names } from './names.ts'
import { type Origin, originOf } from './origin.ts'

/** What a copy says of where the event began. */
export type OriginParts = Omit<Origin, 'message'>

const attributeOf = (event: MillraceEvent, name: string): string | undefined => {
  const field = event.attributes?.find(([own]) => own === name)
  return typeof field?.[1] === 'string' ? field[1] : undefined
}

const given = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V })

const numeric = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined)

const tableOf = (headers: readonly HeaderField[]): FieldTable => new Map(headers)

/** What the attributes of an event from elsewhere say of its message. */
const rebuilt = (event: MillraceEvent, intake: string): OriginParts => {
  const text = (name: string): string | undefined => attributeOf(event, name)
  return {
    queue: text(names.queue) ?? intake,
    original: {
      exchange: text(names.exchange) ?? '',
      routingKey: text(names.routingKey) ?? '',
      properties: {
        headers: tableOf(event.headers),
        ...given('contentType', event.contentType),
        ...given('contentEncoding', text(names.httpContentEncoding) ?? text(names.contentEncoding)),
        ...given('messageId', text(names.messageId)),
        ...given('correlationId', text(names.correlationId)),
        ...given('replyTo', text(names.replyTo)),
        ...given('type', text(names.type)),
        ...given('appId', text(names.appId)),
        ...given('expiration', text(names.expiration)),
        ...given('priority', numeric(text(names.priority))),
        ...given('deliveryMode', numeric(text(names.deliveryMode))),
        ...given('timestamp', event.time),
      },
      body: event.data,
    },
    userId: text(names.userId) ?? text(names.originUserId),
    death: text(names.death),
  }
}

/** The message of an event as it was published at first: the very one for an event of this process, else what its attributes say. */
export const originPartsOf = (event: MillraceEvent, intake: string): OriginParts => originOf(event) ?? rebuilt(event, intake)

/** Headers that say where a copy began, and what of it could not stay where it was. All are text. */
export const originHeaders = ({ original, queue, userId, death }: OriginParts): readonly (readonly [string, string])[] => {
  const { headers, expiration, deliveryMode } = original.properties
  const json = (value: FieldValue | undefined): string | undefined => (value === undefined ? undefined : jsonText(value))
  const values: readonly (readonly [string, string | undefined])[] = [
    [copyHeaders.originQueue, queue],
    [copyHeaders.originExchange, original.exchange],
    [copyHeaders.originRoutingKey, original.routingKey],
    [copyHeaders.originUserId, userId],
    [copyHeaders.originExpiration, expiration],
    [copyHeaders.originDeliveryMode, deliveryMode === undefined || deliveryMode === 2 ? undefined : String(deliveryMode)],
    [copyHeaders.originCc, json(headers.get('CC'))],
    [copyHeaders.originBcc, json(headers.get('BCC'))],
    [copyHeaders.originDeath, death],
  ]
  return values.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
}

/** The producer's headers that may stand in a copy: without the broker's, ours, and those by which the broker would give it to others too. */
export const keptHeaders = (headers: FieldTable): [string, FieldValue][] =>
  [...headers].filter(
    ([name]) => !isBrokerHeader(name) && !isRoutingHeader(name) && !(name.startsWith(copyPrefix) && name !== copyHeaders.hops),
  )

/**
 * A message to be published again, to one queue and no other: body and properties as they were, but persistent, never expiring, and
 * without the user id, which the broker refuses when it is not the connector's own.
 */
export const publishAgain = ({ properties, body }: Message, queue: string, headers: FieldTable): Message => {
  const { expiration: _, userId: __, ...kept } = properties
  const again: MessageProperties = { ...kept, deliveryMode: 2, headers }
  return { exchange: '', routingKey: queue, properties: again, body }
}
