import { MillraceError } from '../errors.ts'

/** A JSON object read from outside. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Reads the fields of a record that anybody may have edited; each wrong one is an `E_LETTER_MALFORMED` that names it. */
export class JsonFields {
  readonly #object: JsonObject
  readonly #where: string

  /** @param where names the record in errors, e.g. `letter` */
  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where, 'it must be an object')
    this.#object = value as JsonObject
    this.#where = where
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined
  }

  fail(name: string, reason: string): MillraceError {
    return malformed(`${this.#where}.${name}`, reason)
  }

  text(name: string): string {
    const value = this.raw(name)
    if (typeof value !== 'string') throw this.fail(name, 'it must be a string')
    return value
  }

  number(name: string): number {
    const value = this.raw(name)
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.fail(name, 'it must be a number')
    return value
  }

  count(name: string): number {
    const value = this.number(name)
    if (!Number.isSafeInteger(value) || value < 0) throw this.fail(name, 'it must be a whole number from 0')
    return value
  }

  list(name: string): readonly unknown[] {
    const value = this.raw(name)
    if (!Array.isArray(value)) throw this.fail(name, 'it must be a list')
    return value
  }

  /** An optional field as an object to spread: empty when absent. */
  optional<K extends string, V>(name: K, read: (name: K) => V): { readonly [P in K]?: V } {
    return this.raw(name) === undefined ? {} : ({ [name]: read(name) } as { readonly [P in K]?: V })
  }

  bytes(name: string): Uint8Array {
    return decodeBase64(this.raw(name), `${this.#where}.${name}`)
  }
}

export const malformed = (where: string, reason: string): MillraceError => new MillraceError('E_LETTER_MALFORMED', { where, reason })

export const encodeBase64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/** Strict: what is not canonical base64 is refused, so nothing is lost unseen. */
export const decodeBase64 = (value: unknown, where: string): Uint8Array => {
  if (typeof value !== 'string') throw malformed(where, 'it must be base64 text')
  const bytes = Buffer.from(value, 'base64')
  if (bytes.toString('base64') !== value) throw malformed(where, 'it must be base64 text')
  // A copy of its own: small Buffers share a pool.
  return new Uint8Array(bytes)
}
