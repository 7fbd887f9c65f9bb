import type { HeaderField } from '@millrace/sdk'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bytes of a header value or body as text; `undefined` when they are not UTF-8. */
export const textOf = (value: string | Uint8Array): string | undefined => {
  if (typeof value === 'string') return value
  try {
    return utf8.decode(value)
  } catch {
    return undefined
  }
}

/** The first header of that name, in any case, as text. At most `max` bytes: longer ones are not looked at. */
export const headerText = (headers: readonly HeaderField[], name: string, max = 4096): string | undefined => {
  for (const [own, value] of headers) {
    if (own.length === name.length && own.toLowerCase() === name) return value.length > max ? undefined : textOf(value)
  }
  return undefined
}

/** A header that is a whole number from 0. */
export const headerCount = (headers: readonly HeaderField[], name: string): number | undefined => {
  const text = headerText(headers, name, 16)
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}
