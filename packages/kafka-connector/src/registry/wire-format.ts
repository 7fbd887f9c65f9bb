import type { DriverRecord } from '../driver/driver.ts'

/** Which schema a value was written with, and what is left of the bytes that say so. */
export interface SchemaReference {
  /** Its path in the registry: `/schemas/ids/7` or `/schemas/guids/89791762-2336-4186-9674-299b90a802e2`. Also the key of caches. */
  readonly path: string
  /** Protobuf has message indexes here. */
  readonly rest: Buffer
  /** What was written with the schema; absent: `rest` is. */
  readonly payload?: Buffer
}

/** Writers may put a GUID here instead of an id into the value: confluent-kafka-javascript #303, `HeaderSchemaIdSerializer` of Confluent 8. */
const valueHeader = '__value_schema_id'

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Magic 0: four bytes of id. Magic 1: sixteen bytes of GUID. */
const readPrefix = (bytes: Buffer): { readonly path: string; readonly rest: Buffer } | undefined => {
  if (bytes[0] === 0 && bytes.length >= 5) return { path: `/schemas/ids/${bytes.readUInt32BE(1)}`, rest: bytes.subarray(5) }
  if (bytes[0] !== 1 || bytes.length < 17) return undefined
  const hex = bytes.subarray(1, 17).toString('hex')
  const guid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return { path: `/schemas/guids/${guid}`, rest: bytes.subarray(17) }
}

/** The schema of a record's value in Confluent's wire format; `undefined`: it is not in that format, and is handed on as it is. */
export const schemaReferenceOf = (record: DriverRecord): SchemaReference | undefined => {
  if (record.value === undefined) return undefined
  const value = asBuffer(record.value)
  const header = record.headers.find(([name]) => name === valueHeader)?.[1]
  if (header !== undefined) {
    const prefix = typeof header === 'string' ? undefined : readPrefix(asBuffer(header))
    if (prefix !== undefined) return { ...prefix, payload: value }
  }
  return value[0] === 0 ? readPrefix(value) : undefined
}

/** A zig-zag varint of at most 32 bits. */
const readVarint = (bytes: Buffer, at: number): { readonly value: number; readonly next: number } => {
  let [raw, shift, next] = [0, 0, at]
  for (;;) {
    const byte = bytes[next++]
    if (byte === undefined || shift > 28) throw new Error('the list of message indexes is broken')
    raw += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value: raw % 2 === 1 ? -(raw + 1) / 2 : raw / 2, next }
    shift += 7
  }
}

/** The path to a message in its file, and what follows. A single 0 stands for the first message. */
export const readMessageIndexes = (bytes: Buffer): { readonly indexes: readonly number[]; readonly rest: Buffer } => {
  const count = readVarint(bytes, 0)
  if (count.value === 0) return { indexes: [0], rest: bytes.subarray(count.next) }
  if (count.value < 0 || count.value > 32) throw new Error('the list of message indexes is broken')
  const indexes: number[] = []
  let at = count.next
  while (indexes.length < count.value) {
    const { value, next } = readVarint(bytes, at)
    if (value < 0) throw new Error('the list of message indexes is broken')
    indexes.push(value)
    at = next
  }
  return { indexes, rest: bytes.subarray(at) }
}
