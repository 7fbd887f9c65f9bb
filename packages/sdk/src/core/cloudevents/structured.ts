import { CloudEventFault } from './cloud-event-fault.ts'
import { type CloudEvent, cloudEvent } from './cloud-event.ts'
import { JsonFault, readJsonMembers } from './json-members.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
/** `application/json`, `text/json`, `application/problem+json; charset=utf-8`. */
const jsonType = /^[^;/]+\/(?:[^;]*\+)?json\s*(?:;|$)/i
const base64 = /^[A-Za-z0-9+/]*={0,2}$/
/** An attribute of 2,048 characters, each of them escaped. */
const maxRaw = 13_000

const textOf = (body: Uint8Array): string => {
  try {
    return decoder.decode(body)
  } catch {
    throw new CloudEventFault('The body is not UTF-8.', 'Send JSON in UTF-8.')
  }
}

const membersOf = (text: string): ReadonlyMap<string, string> => {
  try {
    return readJsonMembers(text)
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault
    throw new CloudEventFault(
      `The body is not a CloudEvent in JSON: ${fault.message}.`,
      'Send one JSON object, see the CloudEvents JSON format 1.0.',
    )
  }
}

/** The canonical text of an attribute: CloudEvents JSON format 1.0, section 2.2. `undefined`: null, which means absent. */
const attributeText = (raw: string): string | undefined => {
  const value: unknown = raw.length > maxRaw ? raw : JSON.parse(raw)
  if (value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31) return String(value)
  throw new CloudEventFault(
    'An attribute is neither text, a whole number of 32 bits, a boolean nor null.',
    'Put objects and lists into the data.',
  )
}

const dataOf = (members: ReadonlyMap<string, string>, contentType: string): Uint8Array => {
  const raw = members.get('data')
  const encoded = members.get('data_base64')
  if (raw !== undefined && encoded !== undefined) throw new CloudEventFault('There are both data and data_base64.', 'Send one of them.')
  if (encoded !== undefined && encoded !== 'null') {
    const text: unknown = encoded.startsWith('"') ? JSON.parse(encoded) : undefined
    if (typeof text !== 'string' || !base64.test(text) || text.length % 4 !== 0) {
      throw new CloudEventFault('data_base64 is not base64.', 'Use the alphabet with + and /, padded with =.')
    }
    return Buffer.from(text, 'base64')
  }
  if (raw === undefined || raw === 'null') return new Uint8Array(0)
  // Section 3.1: text of a type that is not JSON is what the string says, everything else is the JSON value as it stands there.
  return Buffer.from(!jsonType.test(contentType) && raw.startsWith('"') ? (JSON.parse(raw) as string) : raw)
}

/**
 * A CloudEvent in structured mode, `application/cloudevents+json`.
 *
 * @throws CloudEventFault
 */
export const readStructuredCloudEvent = (body: Uint8Array): CloudEvent => {
  const members = membersOf(textOf(body))
  const attributes = new Map<string, string>()
  for (const [name, raw] of members) {
    if (name === 'data' || name === 'data_base64') continue
    const value = attributeText(raw)
    if (value !== undefined) attributes.set(name, value)
  }
  const hasData = members.has('data') || members.has('data_base64')
  const contentType = attributes.get('datacontenttype') ?? 'application/json'
  if (hasData) attributes.set('datacontenttype', contentType)
  return cloudEvent(attributes, dataOf(members, contentType))
}
