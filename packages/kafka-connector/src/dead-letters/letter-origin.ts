import type { HeaderField, MillraceEvent } from '@millrace/sdk'
import type { OutgoingRecord } from '../driver/letter-driver.ts'
import { headerCount, headerText } from '../mapping/fields.ts'
import { kafkaAttributes } from '../mapping/names.ts'
import { originOf } from '../mapping/origin.ts'

/** The record that an event was made of, as far as it is known. */
export interface LetterOrigin extends OutgoingRecord {
  readonly position?: { readonly topic: string; readonly partition: number; readonly offset: number }
}

const attribute = (attributes: readonly HeaderField[], name: string): string | undefined => headerText(attributes, name.toLowerCase())

/** Without the key attribute (a key above 2 KiB) the ordering key has the bytes, one character each. */
const keyOf = (event: MillraceEvent, attributes: readonly HeaderField[]): Uint8Array | undefined => {
  const text = attribute(attributes, kafkaAttributes.key)
  if (text !== undefined) return Buffer.from(text, attribute(attributes, kafkaAttributes.keyEncoding) === 'b64' ? 'base64' : 'latin1')
  return event.orderingKey === undefined ? undefined : Buffer.from(event.orderingKey, 'latin1')
}

/** A CloudEvent's attributes go back to the names of the Kafka binding. */
const headersOf = (event: MillraceEvent): readonly HeaderField[] =>
  event.headers.map(([name, value]): HeaderField => [name.startsWith('ce-') ? `ce_${name.slice(3)}` : name, value])

/**
 * The original record: the very bytes for an event of this process; for an event from elsewhere (a letter that was read from a file)
 * what its attributes say.
 */
export const letterOrigin = (event: MillraceEvent): LetterOrigin => {
  const record = originOf(event)
  if (record !== undefined) return { ...record, position: record }
  const attributes = event.attributes ?? []
  const [partition, offset] = [kafkaAttributes.partition, kafkaAttributes.offset].map((name) => headerCount(attributes, name.toLowerCase()))
  const timestamp = headerCount(attributes, kafkaAttributes.timestamp.toLowerCase()) ?? event.time
  return {
    key: keyOf(event, attributes),
    value: attribute(attributes, kafkaAttributes.tombstone) === 'true' ? undefined : event.data,
    headers: headersOf(event),
    ...(timestamp !== undefined && { timestamp }),
    ...(partition !== undefined && offset !== undefined && { position: { topic: event.topic, partition, offset } }),
  }
}
