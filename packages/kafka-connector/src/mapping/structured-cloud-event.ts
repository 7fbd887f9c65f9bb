import { cloudEventOf } from './cloud-event.ts'
import type { CloudEventView } from './cloud-event.ts'
import { textOf } from './fields.ts'

/** A structured CloudEvent, with its data as the body. */
export interface StructuredCloudEvent extends CloudEventView {
  readonly data: Uint8Array
}

/** Beyond what TypeScript's library knows: https://tc39.es/proposal-json-parse-with-source/, in V8 since 11.4. */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
}

const json = JSON as unknown as SourceJson
const jsonType = /^[^;/]+\/(?:[^;]*\+)?json\s*(?:;|$)/i
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** `application/cloudevents`, `application/cloudevents+json; charset=utf-8`, in any case; not the batch form. */
export const isStructuredType = (contentType: string): boolean => /^application\/cloudevents(?:\+|\s*;|$)/i.test(contentType)

/** Numbers keep the digits they were written with: data is handed on, not understood. */
const parseExactly = (text: string): unknown =>
  json.parse(text, (_key, value, { source }) => (typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value))

const attributeText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  const number = typeof value === 'object' ? JSON.stringify(value) : ''
  return /^-?\d{1,10}$/.test(number) && Math.abs(Number(number)) <= 2 ** 31 ? number : undefined
}

const dataOf = (members: ReadonlyMap<string, unknown>, contentType: string): Uint8Array | undefined => {
  const [data, encoded] = [members.get('data'), members.get('data_base64')]
  if (encoded !== undefined && encoded !== null) {
    const fits = data === undefined && typeof encoded === 'string' && base64.test(encoded) && encoded.length % 4 === 0
    return fits ? Buffer.from(encoded, 'base64') : undefined
  }
  if (data === undefined || data === null) return new Uint8Array(0)
  // CloudEvents JSON format 1.0, section 3.1: text of a type that is not JSON is what the string says.
  return Buffer.from(typeof data === 'string' && !jsonType.test(contentType) ? data : JSON.stringify(data))
}

const read = (text: string): StructuredCloudEvent | undefined => {
  const value = parseExactly(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members = new Map(Object.entries(value))
  const attributes = new Map<string, string>()
  for (const [name, member] of members) {
    if (name === 'data' || name === 'data_base64' || member === null) continue
    const attribute = attributeText(member)
    if (attribute === undefined) return undefined
    attributes.set(name, attribute)
  }
  const contentType = attributes.get('datacontenttype') ?? 'application/json'
  if (members.has('data') || members.has('data_base64')) attributes.set('datacontenttype', contentType)
  const event = cloudEventOf(attributes)
  const data = dataOf(members, contentType)
  return event === undefined || data === undefined ? undefined : { ...event, data }
}

/**
 * A CloudEvent in structured mode, JSON. `undefined` when it is none: another format, not UTF-8, not JSON, nested too deeply, or against
 * the specification; the record is delivered as it is then.
 */
export const readStructured = (body: Uint8Array, contentType: string): StructuredCloudEvent | undefined => {
  if (!/^application\/cloudevents(?:\+json)?\s*(?:;|$)/i.test(contentType)) return undefined
  const text = textOf(body)
  try {
    return text === undefined ? undefined : read(text)
  } catch {
    return undefined
  }
}
