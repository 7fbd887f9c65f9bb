import type { HeaderField, MillraceEvent } from '../../contract/event.ts'
import { decodeBase64, encodeBase64, JsonFields, malformed } from './json-fields.ts'

/** `[name, text]`, or `[name, { base64 }]` for a value of bytes. */
type StoredHeader = readonly [string, string | { readonly base64: string }]

const storeHeaders = (headers: readonly HeaderField[]): StoredHeader[] =>
  headers.map(([name, value]) => [name, typeof value === 'string' ? value : { base64: encodeBase64(value) }])

const readHeader = (value: unknown, where: string): HeaderField => {
  if (!Array.isArray(value) || value.length !== 2) throw malformed(where, 'a header must be [name, value]')
  const [name, content] = value as readonly unknown[]
  if (typeof name !== 'string') throw malformed(where, 'a header name must be a string')
  return [name, typeof content === 'string' ? content : decodeBase64(new JsonFields(content, where).raw('base64'), where)]
}

const finite = <K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } =>
  value !== undefined && Number.isFinite(value) ? ({ [name]: value } as { readonly [P in K]?: number }) : {}

/** An event as a JSON value: bytes as base64, headers in their order. A `time` that is no number is left out. */
export const eventToJson = (event: MillraceEvent): object => ({
  id: event.id,
  ambiguousId: event.ambiguousId === true ? true : undefined,
  source: event.source,
  type: event.type,
  topic: event.topic,
  ...finite('time', event.time),
  contentType: event.contentType,
  headers: storeHeaders(event.headers),
  attributes: event.attributes === undefined ? undefined : storeHeaders(event.attributes),
  orderingKey: event.orderingKey,
  partition: event.partition,
  data: encodeBase64(event.data),
})

/**
 * Reads what `eventToJson` made, after `JSON.parse`. Fields it does not know are ignored.
 *
 * @throws MillraceError `E_LETTER_MALFORMED`
 */
export const eventFromJson = (value: unknown): MillraceEvent => {
  const fields = new JsonFields(value, 'event')
  const text = (name: string): string => fields.text(name)
  const headers = (name: string): readonly HeaderField[] =>
    fields.list(name).map((header, index) => readHeader(header, `event.${name}[${index}]`))
  return {
    id: text('id'),
    ...(fields.raw('ambiguousId') === true && { ambiguousId: true }),
    source: text('source'),
    type: text('type'),
    topic: text('topic'),
    ...fields.optional('time', (name) => fields.number(name)),
    data: fields.bytes('data'),
    ...fields.optional('contentType', text),
    headers: headers('headers'),
    ...fields.optional('attributes', headers),
    ...fields.optional('orderingKey', text),
    ...fields.optional('partition', text),
  }
}
