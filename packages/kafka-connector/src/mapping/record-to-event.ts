import { type CloudEvent, cloudEventHeaders } from '@millrace/sdk'
import type { Delivery, HeaderField, MillraceEvent, Target } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import { isCloudEventHeader, readBinary } from './binary-cloud-event.ts'
import { headerText } from './fields.ts'
import { readLetterCopy } from './letter-copy.ts'
import { kafkaAttributes } from './names.ts'
import { rememberOrigin } from './origin.ts'
import { isStructuredType, readStructured } from './read-cloud-event.ts'

/** A value that the schema registry decoded, or why it could not be. */
export type DecodedValue =
  | { readonly data: Uint8Array; readonly contentType: string }
  | { readonly unreadable: NonNullable<Delivery['unreadable']> }

/** What the mapping knows beside the record. */
export interface MappingContext {
  /** The cluster's id: part of every event's id. */
  readonly cluster: string
  /** Of this record's value, when a registry is configured and the value is in its wire format. */
  readonly decoded?: DecodedValue | undefined
  /**
   * Whether a copy in this topic may be bound for one function. Headers are written by producers: only a function that
   * subscribes to the topic should be reachable by them. @default no function is
   */
  readonly mayTarget?: (name: string, topic: string) => boolean
}

/** The parts of a delivery that come from the record. */
export interface MappedRecord {
  readonly event: MillraceEvent
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly targets?: readonly Target[]
}

export { kafkaAttributeNames as attributeNames } from './names.ts'

/** The CloudEvents type of a record that is no CloudEvent. */
export const plainType = 'org.apache.kafka.record'

/** The codec sends no value above 4 KiB, and base64 adds a third. */
const maxKeyBytes = 2048
const noBytes = new Uint8Array(0)
const blank = 0x20

const isVisible = (bytes: Uint8Array): boolean => {
  for (const byte of bytes) if (byte < blank || byte > 0x7e) return false
  // HTTP strips outer blanks: such a key would not arrive as it is.
  return bytes[0] !== blank && bytes.at(-1) !== blank
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const attributesOf = (record: DriverRecord): readonly HeaderField[] => {
  const attributes: HeaderField[] = [
    [kafkaAttributes.partition, String(record.partition)],
    [kafkaAttributes.offset, String(record.offset)],
  ]
  const { key } = record
  if (key !== undefined && key.length <= maxKeyBytes) {
    if (isVisible(key)) attributes.push([kafkaAttributes.key, asBuffer(key).toString('latin1')])
    else attributes.push([kafkaAttributes.key, asBuffer(key).toString('base64')], [kafkaAttributes.keyEncoding, 'b64'])
  }
  if (record.timestamp !== undefined) attributes.push([kafkaAttributes.timestamp, String(record.timestamp)])
  if (record.value === undefined) attributes.push([kafkaAttributes.tombstone, 'true'])
  return attributes
}

interface Body {
  readonly cloudEvent?: CloudEvent | undefined
  readonly data: Uint8Array
  readonly contentType: string | undefined
}

/** A decoded value is what the function gets; otherwise the record's own. */
const bodyOf = (record: DriverRecord, decoded: DecodedValue | undefined): Body => {
  const { headers } = record
  const readable = decoded !== undefined && 'data' in decoded ? decoded : undefined
  const own = headerText(headers, 'content-type', 256)
  const data = readable?.data ?? record.value ?? noBytes
  if (readable === undefined && own !== undefined && isStructuredType(own)) {
    const structured = readStructured(data, own)
    return structured === undefined
      ? { data, contentType: own }
      : { cloudEvent: structured, data: structured.data, contentType: structured.contentType }
  }
  const contentType = readable?.contentType ?? own
  return { cloudEvent: readBinary(headers, contentType, data), data, contentType }
}

/** A CloudEvent's attributes go out as `ce-*`, whatever form they came in; headers that claim to be them do not. */
const headersOf = (headers: readonly HeaderField[], cloudEvent: CloudEvent | undefined): readonly HeaderField[] =>
  cloudEvent === undefined
    ? headers
    : [...cloudEventHeaders(cloudEvent), ...headers.filter(([name]) => !isCloudEventHeader(name) && !name.toLowerCase().startsWith('ce-'))]

/** A CloudEvent is the same as another if source and id are; a URI cannot have a `|`, so the first one always is the border. */
const idOf = (record: DriverRecord, cluster: string, cloudEvent: CloudEvent | undefined): string =>
  cloudEvent === undefined
    ? `kafka:${cluster}/${record.topic}/${record.partition}/${record.offset}`
    : `${cloudEvent.source}|${cloudEvent.id}`

/**
 * The event of a record. A total function: nothing that a producer can write makes it throw or leave a record out.
 *
 * - id: of a copy its `millrace-event-id`, of a CloudEvent `source|id`, else `kafka:{cluster}/{topic}/{partition}/{offset}`; in each case
 *   the same whenever the record is read again.
 * - a tombstone (null value) is delivered with an empty body and `X-Kafka-Tombstone: true`.
 * - order by key: the exact bytes of the key, one character each; without a key a CloudEvent's `partitionkey`.
 */
export const recordToEvent = (record: DriverRecord, context: MappingContext): MappedRecord => {
  const { decoded, cluster } = context
  const { cloudEvent, data, contentType } = bodyOf(record, decoded)
  const copy = readLetterCopy(record.headers)
  const time = cloudEvent?.time ?? record.timestamp
  const orderingKey = record.key === undefined ? cloudEvent?.partitionKey : asBuffer(record.key).toString('latin1')
  const event: MillraceEvent = {
    id: copy?.eventId ?? idOf(record, cluster, cloudEvent),
    source: cloudEvent?.source ?? `kafka:${cluster}/${record.topic}`,
    type: cloudEvent?.type ?? plainType,
    topic: record.topic,
    data,
    headers: headersOf(record.headers, cloudEvent),
    attributes: attributesOf(record),
    ...(time !== undefined && { time }),
    ...(contentType !== undefined && { contentType }),
    ...(orderingKey !== undefined && { orderingKey }),
  }
  const target = copy?.target
  return {
    event: rememberOrigin(event, record),
    ...(decoded !== undefined && 'unreadable' in decoded && { unreadable: decoded.unreadable }),
    ...(target !== undefined && context.mayTarget?.(target.function, record.topic) === true && { targets: [target] }),
  }
}
