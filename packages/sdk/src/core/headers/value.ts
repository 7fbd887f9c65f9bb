/** RFC 9110 section 5.6.2: the characters of a header name. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** True for an RFC 9110 token: what a header name may be. */
export const isToken = (text: string): boolean => token.test(text)

const unprintable = /[^\x20-\x7E]/

/** The text of a value that is printable ASCII (space included), else `undefined`. Trimmed: HTTP strips outer blanks anyway. */
export const plainText = (value: string | Uint8Array): string | undefined => {
  if (typeof value === 'string') return unprintable.test(value) ? undefined : value.trim()
  for (const byte of value) if (byte < 0x20 || byte > 0x7e) return undefined
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1').trim()
}

/** Bytes that the CloudEvents HTTP binding 1.0 (section 3.1.3.2) leaves as they are: U+0021-U+007E without `"` and `%`. */
const percentTable: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25
    ? String.fromCharCode(byte)
    : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
)

const needsPercent = /[^\x21\x23\x24\x26-\x7E]/

/** Percent-encodes by the CloudEvents rule: space, `"`, `%` and everything outside U+0021-U+007E, byte by byte of UTF-8, in upper case. */
export const percentEncode = (value: string | Uint8Array): string => {
  if (typeof value === 'string' && !needsPercent.test(value)) return value
  let out = ''
  for (const byte of typeof value === 'string' ? Buffer.from(value, 'utf8') : value) out += percentTable[byte] as string
  return out
}

/** A header name made of any bytes: a token as it is, anything else percent-encoded so that it becomes one. */
export const tokenOf = (name: string): string => {
  if (isToken(name)) return name
  let out = ''
  for (const byte of Buffer.from(name, 'utf8')) {
    const character = String.fromCharCode(byte)
    out += byte < 0x80 && byte !== 0x25 && isToken(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
