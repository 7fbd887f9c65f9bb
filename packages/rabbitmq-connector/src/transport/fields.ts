import type { FieldTable, FieldValue } from './message.ts'

/** What a producer can nest and send is bounded here, whatever the broker lets through. Deeper or further values are left out. */
export const fieldLimits: { readonly depth: number; readonly values: number; readonly nameBytes: number } = {
  depth: 32,
  values: 16_384,
  /** AMQP's own limit. A name that was no UTF-8 grows when it is decoded, and could not be sent again. */
  nameBytes: 255,
}

/** The greatest moment that a Date can hold, which any producer can exceed. */
const maxMs = 8.64e15

/** The longest beginning of `text` that fits into `bytes` of UTF-8, no character cut. */
export const cutText = (text: string, bytes: number): string => {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** amqplib's marks for a timestamp and a decimal. A producer can write a table that looks like one: then it counts as one. */
const marked = (value: Readonly<Record<string, unknown>>): FieldValue | undefined => {
  if (!Object.hasOwn(value, '!') || Object.keys(value).length !== 2) return undefined
  const inner = value['value']
  if (value['!'] === 'timestamp' && typeof inner === 'number') return { kind: 'timestamp', ms: timestampMs(inner) ?? maxMs }
  if (value['!'] !== 'decimal' || !isObject(inner)) return undefined
  const { places, digits } = inner
  return typeof places === 'number' && typeof digits === 'number' ? { kind: 'decimal', value: digits, places } : undefined
}

/** Seconds as AMQP has them, in milliseconds; absent where no Date can hold it. */
export const timestampMs = (seconds: unknown): number | undefined => {
  if (typeof seconds !== 'number') return undefined
  const ms = seconds * 1000
  return ms >= 0 && ms <= maxMs ? ms : undefined
}

class Reader {
  #left: number = fieldLimits.values

  table(source: Readonly<Record<string, unknown>>, depth: number): FieldTable {
    const table = new Map<string, FieldValue>()
    // Own keys alone: `__proto__` among a producer's names makes its table the prototype of amqplib's object.
    for (const name of Object.keys(source)) {
      const value = this.value(source[name], depth + 1)
      if (value !== undefined) table.set(cutText(name, fieldLimits.nameBytes), value)
    }
    return table
  }

  value(value: unknown, depth: number): FieldValue | undefined {
    if (depth > fieldLimits.depth || this.#left <= 0) return undefined
    this.#left -= 1
    if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
    if (value instanceof Uint8Array) return value
    if (Array.isArray(value)) return this.#array(value, depth)
    return isObject(value) ? (marked(value) ?? this.table(value, depth)) : undefined
  }

  #array(source: readonly unknown[], depth: number): readonly FieldValue[] {
    const values: FieldValue[] = []
    for (const one of source) {
      const value = this.value(one, depth + 1)
      if (value !== undefined) values.push(value)
    }
    return values
  }
}

/** A field table as amqplib decodes it. What is no table is an empty one; what it cannot be is left out. Never throws. */
export const readTable = (source: unknown): FieldTable =>
  isObject(source) && !Array.isArray(source) && !(source instanceof Uint8Array) ? new Reader().table(source, 0) : new Map()

/** What amqplib encodes. */
type RawTable = Record<string, unknown>

/**
 * amqplib guesses the type, and ends in a RangeError below -2^63. NaN and the infinities go as text: the broker cannot read them as numbers
 * and closes the whole connection (measured on 3.10).
 */
const encodeNumber = (value: number): unknown => {
  if (!Number.isFinite(value)) return String(value)
  return Number.isInteger(value) && value >= -(2 ** 63) ? value : { '!': 'double', value }
}

const encodeValue = (value: FieldValue, depth: number): unknown => {
  if (depth > fieldLimits.depth) throw new RangeError(`headers are nested more than ${fieldLimits.depth} deep`)
  if (typeof value === 'number') return encodeNumber(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof Map) return encodeNested(value as FieldTable, depth)
  if (Array.isArray(value)) return (value as readonly FieldValue[]).map((one) => encodeValue(one, depth + 1))
  return encodeMarked(value as Exclude<typeof value, FieldTable | readonly FieldValue[]>)
}

const encodeMarked = (value: { kind: 'timestamp'; ms: number } | { kind: 'decimal'; value: number; places: number }): unknown => {
  if (value.kind === 'timestamp') return { '!': 'timestamp', value: Math.max(0, Math.min(Math.trunc(value.ms / 1000) || 0, maxMs)) }
  const { value: digits, places } = value
  const fits = Number.isInteger(digits) && digits >= 0 && digits < 2 ** 32 && Number.isInteger(places) && places >= 0 && places < 256
  return fits ? { '!': 'decimal', value: { digits, places } } : { '!': 'double', value: digits / 10 ** places }
}

const encodeEntries = (table: FieldTable, depth: number): RawTable => {
  const raw = Object.create(null) as RawTable
  for (const [name, value] of table) raw[name] = encodeValue(value, depth + 1)
  return raw
}

/** A table with a name `!` in it would be taken for one of amqplib's marks. */
const encodeNested = (table: FieldTable, depth: number): unknown => {
  const raw = encodeEntries(table, depth)
  return table.has('!') ? { '!': 'object', value: raw } : raw
}

/**
 * A field table for amqplib's encoder.
 * @throws RangeError when it is nested too deep
 */
export const writeTable = (table: FieldTable): RawTable => encodeEntries(table, 0)
