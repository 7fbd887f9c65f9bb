import type { CloudEvent, HeaderField, MillraceEvent } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import { kafkaAttributes } from './names.ts'

/** The CloudEvents type of a record that is no CloudEvent. */
const plainType = 'org.apache.kafka.record'

/** The codec sends no value above 4 KiB, and base64 adds a third. */
const maxKeyBytes = 2048
const blank = 0x20

const isVisible = (bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    if (byte < blank || byte > 0x7e) return false
  }
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

/** What an event says beside its record. */
export interface KafkaEventParts {
  readonly cluster: string
  /** Of a letter or retry copy: the id of the event that it is a copy of. */
  readonly id: string | undefined
  readonly cloudEvent: CloudEvent | undefined
  readonly data: Uint8Array
  readonly contentType: string | undefined
  readonly headers: readonly HeaderField[]
}

/**
 * The event of a record, which it holds: a dead letter must have the original bytes. Ten thousand of a partition may wait, so what can be
 * worked out of the record is worked out when it is asked for.
 */
export class KafkaEvent implements MillraceEvent {
  readonly #record: DriverRecord
  readonly #cluster: string
  readonly #id: string | undefined
  readonly #cloudEvent: CloudEvent | undefined
  readonly #data: Uint8Array
  readonly #contentType: string | undefined
  readonly #headers: readonly HeaderField[]

  constructor(record: DriverRecord, parts: KafkaEventParts) {
    this.#record = record
    this.#cluster = parts.cluster
    this.#id = parts.id
    this.#cloudEvent = parts.cloudEvent
    this.#data = parts.data
    this.#contentType = parts.contentType
    this.#headers = parts.headers
  }

  get record(): DriverRecord {
    return this.#record
  }

  /** A CloudEvent is the same as another if source and id are; a URI cannot have a `|`, so the first one always is the border. */
  get id(): string {
    if (this.#id !== undefined) return this.#id
    if (this.#cloudEvent !== undefined) return `${this.#cloudEvent.source}|${this.#cloudEvent.id}`
    const { topic, partition, offset } = this.#record
    return `kafka:${this.#cluster}/${topic}/${partition}/${offset}`
  }

  get source(): string {
    return this.#cloudEvent?.source ?? `kafka:${this.#cluster}/${this.#record.topic}`
  }

  get type(): string {
    return this.#cloudEvent?.type ?? plainType
  }

  get topic(): string {
    return this.#record.topic
  }

  get time(): number | undefined {
    return this.#cloudEvent?.time ?? this.#record.timestamp
  }

  get data(): Uint8Array {
    return this.#data
  }

  get contentType(): string | undefined {
    return this.#contentType
  }

  get headers(): readonly HeaderField[] {
    return this.#headers
  }

  get attributes(): readonly HeaderField[] {
    return attributesOf(this.#record)
  }

  /** The exact bytes of the key, one character each; without a key a CloudEvent's `partitionkey`. */
  get orderingKey(): string | undefined {
    const { key } = this.#record
    return key === undefined ? this.#cloudEvent?.partitionKey : asBuffer(key).toString('latin1')
  }
}
