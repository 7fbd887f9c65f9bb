import { type CloudEvent, cloudEventHeaders } from '@millrace/sdk'
import type { Delivery, HeaderField, Target } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import { isCloudEventHeader, readBinary } from './binary-cloud-event.ts'
import { headerText } from './fields.ts'
import { readLetterCopy } from './letter-copy.ts'
import { KafkaEvent } from './kafka-event.ts'
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
  readonly event: KafkaEvent
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly targets?: readonly Target[]
}

export { kafkaAttributeNames as attributeNames } from './names.ts'

const noBytes = new Uint8Array(0)

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
  const headers = headersOf(record.headers, cloudEvent)
  const event = new KafkaEvent(record, { cluster, id: copy?.eventId, cloudEvent, data, contentType, headers })
  const target = copy?.target
  return {
    event,
    ...(decoded !== undefined && 'unreadable' in decoded && { unreadable: decoded.unreadable }),
    ...(target !== undefined && context.mayTarget?.(target.function, record.topic) === true && { targets: [target] }),
  }
}
