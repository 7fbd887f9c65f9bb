/** CloudEvents HTTP binding 1.0, section 3.1.3.2, read: first the quoted string, then percent-decoding once, then UTF-8. */
const quotedString = /^"((?:[^"\\]|\\[^])*)"$/
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const digit = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

const percentDecoded = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.alloc(text.length)
  let length = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code !== 0x25) {
      bytes[length++] = code
      continue
    }
    const high = digit(text.charCodeAt(index + 1))
    const low = digit(text.charCodeAt(index + 2))
    if (high < 0 || low < 0) return undefined
    bytes[length++] = high * 16 + low
    index += 2
  }
  return bytes.subarray(0, length)
}

/**
 * The text of an attribute's header.
 *
 * @param latin1 as Node gives header values: one character a byte
 * @returns `undefined` when it is not percent-encoded UTF-8, such as `100%` or `%C0%A0`
 */
export const decodeHeaderValue = (latin1: string): string | undefined => {
  const quoted = quotedString.exec(latin1)
  const text = quoted === null ? latin1 : (quoted[1] as string).replaceAll(/\\([^])/g, '$1')
  const bytes = percentDecoded(text)
  if (bytes === undefined) return undefined
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
