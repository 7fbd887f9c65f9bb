import type { FieldDecimal, FieldTable, FieldTimestamp, FieldValue } from '../transport/message.ts'

/** The codec sends no longer value, and what is longer would be cut JSON. */
const maxText = 4096
const maxDepth = 16
/** The largest time that ECMAScript can write. */
const maxTime = 8.64e15

/** True for a nested table. */
export const isTable = (value: FieldValue): value is FieldTable => value instanceof Map

const isList = (value: FieldValue): value is readonly FieldValue[] => Array.isArray(value)

/** ISO 8601, or the number of milliseconds where there is no such date. */
export const timeText = (ms: number): string => (Math.abs(ms) <= maxTime ? new Date(ms).toISOString() : String(ms))

/** All digits of a decimal, e.g. `-0.05`. */
export const decimalText = ({ value, places }: FieldDecimal): string => {
  if (!Number.isSafeInteger(value) || !Number.isInteger(places) || places <= 0 || places > 255) return String(value)
  const digits = String(Math.abs(value)).padStart(places + 1, '0')
  return `${value < 0 ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

const special = (value: FieldTimestamp | FieldDecimal): string => (value.kind === 'timestamp' ? timeText(value.ms) : decimalText(value))

/** Writes JSON until it is too long or too deep; no object is made of a producer's names. */
class JsonText {
  text = ''

  /** False: over a bound, and what stands in `text` is a part only. */
  write(value: FieldValue, depth: number): boolean {
    if (depth > maxDepth) return false
    if (value === null || typeof value === 'boolean') return this.#add(String(value))
    if (typeof value === 'number') return this.#add(Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`)
    if (typeof value === 'string') return value.length <= maxText && this.#add(JSON.stringify(value))
    if (value instanceof Uint8Array) return value.length <= maxText && this.#add(`"${base64(value)}"`)
    if (isList(value)) return this.#list(value, depth)
    if (isTable(value)) return this.#table(value, depth)
    const text = special(value)
    return this.#add(value.kind === 'decimal' ? text : JSON.stringify(text))
  }

  #add(text: string): boolean {
    this.text += text
    return this.text.length <= maxText
  }

  #list(values: readonly FieldValue[], depth: number): boolean {
    let separator = '['
    for (const value of values) {
      if (!this.#add(separator) || !this.write(value, depth + 1)) return false
      separator = ','
    }
    return this.#add(separator === '[' ? '[]' : ']')
  }

  #table(table: FieldTable, depth: number): boolean {
    let separator = '{'
    for (const [name, value] of table) {
      if (name.length > maxText || !this.#add(`${separator}${JSON.stringify(name)}:`) || !this.write(value, depth + 1)) return false
      separator = ','
    }
    return this.#add(separator === '{' ? '{}' : '}')
  }
}

/** A value as JSON; `undefined` above 4 KiB or 16 levels. */
export const jsonText = (value: FieldValue): string | undefined => {
  const json = new JsonText()
  return json.write(value, 0) ? json.text : undefined
}

/**
 * A value of a header as text: scalars as they are, times in ISO 8601, bytes in base64, lists and tables as JSON. `undefined` for what
 * would be longer than a header may be (4 KiB).
 */
export const fieldText = (value: FieldValue): string | undefined => {
  if (typeof value === 'string') return value.length <= maxText ? value : undefined
  if (value === null) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return value.length <= maxText ? base64(value) : undefined
  if (isList(value) || isTable(value)) return jsonText(value)
  return special(value)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Like `fieldText`, but bytes are UTF-8: for headers that are text by their meaning, which some clients send as bytes. */
export const plainFieldText = (value: FieldValue): string | undefined => {
  if (!(value instanceof Uint8Array)) return fieldText(value)
  if (value.length > maxText) return undefined
  try {
    return utf8.decode(value)
  } catch {
    return undefined
  }
}

/** The header of exactly that name as text, at most `max` characters. */
export const headerText = (headers: FieldTable, name: string, max: number = maxText): string | undefined => {
  const value = headers.get(name)
  if (typeof value === 'number' || typeof value === 'string' || value instanceof Uint8Array) {
    const text = plainFieldText(value)
    return text !== undefined && text.length <= max ? text : undefined
  }
  return undefined
}

/** A header that is a whole number from 0, as a number or as text. */
export const headerCount = (headers: FieldTable, name: string): number | undefined => {
  const text = headerText(headers, name, 16)
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}
