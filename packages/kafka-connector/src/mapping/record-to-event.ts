import type { Delivery, HeaderField, MillraceEvent } from '@millrace/sdk'
import { intakeOf } from '../driver/driver.ts'
import type { DriverRecord } from '../driver/driver.ts'

/** What a mapping knows besides the record. */
export interface MappingContext {
  /** Id of the cluster: part of every event's id. */
  readonly cluster: string
}

/** What becomes of a record. */
export interface MappedRecord {
  readonly event: MillraceEvent
  /** It cannot be given to a function: straight to the dead letters. */
  readonly unreadable?: NonNullable<Delivery['unreadable']>
}

/** Headers that the source adds (the names of OpenFaaS Pro's connector). */
export const attributeNames: readonly string[] = ['X-Kafka-Partition', 'X-Kafka-Offset', 'X-Kafka-Key', 'X-Kafka-Key-Enc']

const empty = new Uint8Array(0)
const printableAscii = /^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/

const keyAttributes = (key: Uint8Array | undefined): readonly HeaderField[] => {
  if (key === undefined) return []
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const text = bytes.toString('latin1')
  // An empty key is a key: it goes out as base64 of nothing, so that it differs from none.
  if (printableAscii.test(text)) return [['X-Kafka-Key', text]]
  return [
    ['X-Kafka-Key', bytes.toString('base64')],
    ['X-Kafka-Key-Enc', 'b64'],
  ]
}

const contentTypeOf = (headers: readonly HeaderField[]): string | undefined => {
  const found = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  if (found === undefined) return undefined
  const text = (typeof found === 'string' ? found : Buffer.from(found).toString('latin1')).trim()
  return printableAscii.test(text) && text.length <= 1024 ? text : undefined
}

/** The event that a record is. A tombstone and an empty value both have no bytes; keys that are no text are encoded. */
export const recordToEvent = (record: DriverRecord, context: MappingContext): MappedRecord => {
  const { topic, partition, offset, key, value, headers, timestamp } = record
  const contentType = contentTypeOf(headers)
  return {
    event: {
      id: `kafka:${context.cluster}/${topic}/${partition}/${offset}`,
      source: `kafka:${context.cluster}/${topic}`,
      type: 'com.openfaas.kafka.record',
      topic,
      data: value ?? empty,
      headers,
      attributes: [['X-Kafka-Partition', String(partition)], ['X-Kafka-Offset', String(offset)], ...keyAttributes(key)],
      partition: intakeOf(record),
      ...(timestamp !== undefined && { time: timestamp }),
      ...(contentType !== undefined && { contentType }),
      // The exact bytes, one character each: no two keys are taken for one.
      ...(key !== undefined && { orderingKey: Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1') }),
    },
  }
}
