import { isUtf8 } from 'node:buffer'
import { decodeBase64, encodeBase64, JsonFields } from '../../core/letters/json-fields.ts'

/**
 * A value as the store keeps it. Text is a string: thousands of small values would else be as many array buffers for the
 * garbage collector, and each would be decoded again for its line.
 */
export type Stored = string | Uint8Array

/** A stored value with its version. Never changed. */
export interface StoredEntry {
  readonly value: Stored
  readonly version: number
  /** Epoch milliseconds; absent: it stays. */
  readonly expiresAt?: number
}

/** It counts as absent. */
export const isExpired = (entry: StoredEntry, now: number): boolean => entry.expiresAt !== undefined && entry.expiresAt <= now

const encoder = new TextEncoder()

/** Keeps a value; what the caller does to it later changes nothing. */
export const storedOf = (value: Uint8Array | string): Stored => {
  if (typeof value === 'string') return value
  return isUtf8(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : value.slice()
}

/** The bytes of a kept value; the caller may change them. */
export const bytesOf = (value: Stored): Uint8Array => (typeof value === 'string' ? encoder.encode(value) : value.slice())

/** One line of the state's journal or snapshot. */
export type StateRecord =
  | { readonly kind: 'put'; readonly key: string; readonly entry: StoredEntry }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'fence'; readonly key: string; readonly fence: number }

/** Text stays readable, anything else is base64. */
export const putRecord = (key: string, { value, version, expiresAt }: StoredEntry): string =>
  typeof value === 'string'
    ? JSON.stringify({ put: key, version, expiresAt, text: value })
    : JSON.stringify({ put: key, version, expiresAt, base64: encodeBase64(value) })

export const deleteRecord = (key: string): string => JSON.stringify({ delete: key })

export const fenceRecord = (key: string, fence: number): string => JSON.stringify({ lease: key, fence })

/** @throws MillraceError `E_LETTER_MALFORMED`, SyntaxError */
export const parseStateRecord = (payload: Buffer): StateRecord => {
  const fields = new JsonFields(JSON.parse(payload.toString()), 'state')
  if (fields.raw('put') !== undefined) {
    const base64 = fields.raw('base64')
    const value = base64 === undefined ? fields.text('text') : decodeBase64(base64, 'state.base64')
    const entry = { value, version: fields.count('version'), ...fields.optional('expiresAt', (name) => fields.count(name)) }
    return { kind: 'put', key: fields.text('put'), entry }
  }
  if (fields.raw('lease') !== undefined) return { kind: 'fence', key: fields.text('lease'), fence: fields.count('fence') }
  return { kind: 'delete', key: fields.text('delete') }
}
