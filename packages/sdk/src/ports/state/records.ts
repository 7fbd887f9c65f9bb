import { isUtf8 } from 'node:buffer'
import type { Versioned } from '../../contract/state-store.ts'
import { decodeBase64, encodeBase64, JsonFields } from '../../core/letters/json-fields.ts'

/** One line of the state's journal or snapshot. */
export type StateRecord =
  | { readonly kind: 'put'; readonly key: string; readonly entry: Versioned }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'fence'; readonly key: string; readonly fence: number }

/** Text stays readable, anything else is base64. */
export const putRecord = (key: string, { value, version }: Versioned): string =>
  JSON.stringify({ put: key, version, ...(isUtf8(value) ? { text: Buffer.from(value).toString() } : { base64: encodeBase64(value) }) })

export const deleteRecord = (key: string): string => JSON.stringify({ delete: key })

export const fenceRecord = (key: string, fence: number): string => JSON.stringify({ lease: key, fence })

/** @throws MillraceError `E_LETTER_MALFORMED`, SyntaxError */
export const parseStateRecord = (payload: Buffer): StateRecord => {
  const fields = new JsonFields(JSON.parse(payload.toString()), 'state')
  if (fields.raw('put') !== undefined) {
    const base64 = fields.raw('base64')
    const value = base64 === undefined ? Uint8Array.from(Buffer.from(fields.text('text'))) : decodeBase64(base64, 'state.base64')
    return { kind: 'put', key: fields.text('put'), entry: { value, version: fields.count('version') } }
  }
  if (fields.raw('lease') !== undefined) return { kind: 'fence', key: fields.text('lease'), fence: fields.count('fence') }
  return { kind: 'delete', key: fields.text('delete') }
}
