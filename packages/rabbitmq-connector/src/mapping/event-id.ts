import { createHash } from 'node:crypto'
import type { CloudEvent } from '@millrace/sdk'
import type { FieldTable, FieldValue, Message } from '../transport/message.ts'
import { isTable } from './field-text.ts'
import { copyPrefix, isBrokerHeader } from './names.ts'

const maxId = 512
const hashed = 64
/** What an id may be on the wire, and what is believed of one in a copy. */
const idForm = /^[\x21-\x7E](?:[\x20-\x7E]{0,510}[\x21-\x7E])?$/
/** What `encodeURIComponent` leaves as it is; most queues and ids are of nothing else. */
const unreserved = /^[A-Za-z0-9_.!~*'()-]*$/
const contentScheme = 'rabbitmq-content:'

/** True for a text that can be an event's id as it is. */
export const isEventId = (text: string): boolean => idForm.test(text)

/**
 * True for an id that was made of the content: stable over redelivery, but the same for messages that are the same in every byte. Nothing
 * may take two events for one because of it: no `Idempotency-Key`, no dedupe.
 */
export const isContentId = (id: string): boolean => id.startsWith(contentScheme)

/** One segment of an id or URI: never a `/`, `#`, `@` or blank. */
export const segment = (text: string): string => (unreserved.test(text) ? text : encodeURIComponent(text.toWellFormed()))

/** An id that is too long, or has characters that no header can carry, keeps its beginning and gets a hash, so that it stays distinct. */
const fit = (id: string): string => {
  if (isEventId(id)) return id
  const visible = id.replaceAll(/[^\x21-\x7E]/gu, (character) => segment(character))
  return `${visible.slice(0, maxId - hashed - 1)}#${createHash('sha256').update(id).digest('hex')}`
}

/** Feeds a hash so that no two different contents give the same bytes: each text and list goes in with its kind and length. */
class ContentHash {
  readonly #hash = createHash('sha256')
  /** Not fed yet: one long text is cheaper than many short ones. */
  #pending = ''

  text(value: string | undefined): void {
    this.#pending += value === undefined ? '-;' : `s${value.length};${value}`
  }

  bytes(value: Uint8Array): void {
    this.#hash.update(`${this.#pending}b${value.length};`).update(value)
    this.#pending = ''
  }

  field(value: FieldValue, depth = 0): void {
    if (typeof value === 'string') this.text(value)
    else if (value instanceof Uint8Array) this.bytes(value)
    else if (value === null || typeof value !== 'object') this.#pending += `${typeof value};${String(value)};`
    else if (depth < 64 && isTable(value)) this.table(value, depth)
    else if (depth < 64 && Array.isArray(value)) {
      this.#pending += `l${value.length};`
      for (const item of value as readonly FieldValue[]) this.field(item, depth + 1)
    } else if ('kind' in value) this.#pending += value.kind === 'timestamp' ? `t${value.ms};` : `d${value.value}/${value.places};`
  }

  table(table: FieldTable, depth: number): void {
    this.#pending += `m${table.size};`
    for (const [name, value] of table) {
      this.text(name)
      this.field(value, depth + 1)
    }
  }

  digest(): string {
    return this.#hash.update(this.#pending).digest('hex').slice(0, 32)
  }
}

/** A hash of all that a redelivery leaves as it is. */
const contentOf = ({ exchange, routingKey, properties, body }: Message): string => {
  const hash = new ContentHash()
  const { headers, ...others } = properties
  for (const text of [exchange, routingKey]) hash.text(text)
  const names = ['contentType', 'contentEncoding', 'correlationId', 'replyTo', 'expiration', 'type', 'userId', 'appId'] as const
  for (const name of names) hash.text(others[name])
  for (const number of [others.deliveryMode, others.priority, others.timestamp])
    hash.text(number === undefined ? undefined : String(number))
  const own = [...headers].filter(([name]) => !isBrokerHeader(name) && !name.startsWith(copyPrefix))
  hash.table(new Map(own), 0)
  hash.bytes(body)
  return hash.digest()
}

/** The producer's own id, if it gave one. */
export const messageIdOf = ({ properties: { messageId } }: Message): string | undefined =>
  // U+FFFD stands for bytes that were not UTF-8: different ids could look the same.
  messageId === undefined || messageId === '' || messageId.includes('\uFFFD') ? undefined : messageId

/** Where a message came from, for its id. */
export interface IdPlace {
  readonly vhost: string
  readonly queue: string
  /** Streams: the position, which is as good as an id. */
  readonly offset: number | undefined
}

/**
 * The id of a message that is no copy, in this order:
 *
 * 1. `rabbitmq:{vhost}/{queue}/{messageId}`, each part percent-encoded
 * 2. of a CloudEvent `{source}|{id}`
 * 3. of a stream `rabbitmq:{vhost}/{queue}/@{offset}`
 * 4. `rabbitmq-content:{vhost}/{queue}/{hash}`, over all properties, headers and the body: see `isContentId`
 *
 * Each is the same when the broker gives the message again.
 */
export const eventIdOf = (message: Message, place: IdPlace, cloudEvent: CloudEvent | undefined): string => {
  const messageId = messageIdOf(message)
  const where = `${segment(place.vhost)}/${segment(place.queue)}`
  if (messageId !== undefined) return fit(`rabbitmq:${where}/${segment(messageId)}`)
  if (cloudEvent !== undefined) return fit(`${cloudEvent.source}|${cloudEvent.id}`)
  if (place.offset !== undefined) return fit(`rabbitmq:${where}/@${place.offset}`)
  return fit(`${contentScheme}${where}/${contentOf(message)}`)
}
