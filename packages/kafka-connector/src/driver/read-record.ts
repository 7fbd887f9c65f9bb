import type { HeaderField } from '@millrace/sdk'
import type { DriverRecord } from './driver.ts'
import type { IHeaders, KafkaMessage } from './kafkajs.ts'

const noBytes = Buffer.alloc(0)
const noHeaders: readonly HeaderField[] = []

/**
 * kafkajs gathers headers in a plain object. A name that `Object.prototype` has (`constructor`, `toString`) therefore comes as a list with
 * the inherited member in front; names that look like numbers lose their place. Only text and bytes are taken from it.
 */
export const readHeaders = (headers: IHeaders | undefined): readonly HeaderField[] => {
  const entries = Object.entries(headers ?? {})
  if (entries.length === 0) return noHeaders
  const fields: HeaderField[] = []
  for (const [name, value] of entries) {
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value as unknown]) {
      if (typeof one === 'string' || one instanceof Uint8Array) fields.push([name, one])
      else if (one === null || one === undefined) fields.push([name, noBytes])
    }
  }
  return fields
}

/** Bytes that hold a much larger response in memory are copied: one stalled record must not pin a whole fetch (up to 10 MB). */
const own = (bytes: Buffer | null): Buffer | undefined => {
  if (bytes === null || bytes === undefined) return undefined
  return bytes.buffer.byteLength > 16_384 && bytes.byteLength * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}

/** Copies what is worth keeping out of a message of kafkajs. */
export const readRecord = (topic: string, partition: number, message: KafkaMessage): DriverRecord => {
  const timestamp = Number(message.timestamp)
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number.isSafeInteger(timestamp) && timestamp >= 0 ? timestamp : undefined,
    key: own(message.key),
    value: own(message.value),
    headers: readHeaders(message.headers),
  }
}
