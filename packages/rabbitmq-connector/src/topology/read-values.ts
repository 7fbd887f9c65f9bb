import { printable } from '@millrace/sdk'
import type { FieldTable, FieldValue } from '../transport/message.ts'
import type { ExchangeType } from '../transport/transport.ts'
import { byteLength, maxNameBytes } from './names.ts'
import type { StreamStart } from './stream-start.ts'

/** A value that was read, or what is wrong with it and what is allowed. */
export type Read<T> = { readonly value: T } | { readonly problem: string }

const maxItems = 256
const maxText = 16_384

/** Text from outside, fit for a message. */
export const quote = (text: string): string => `\`${printable(text, 60)}\``

/** @param allowed completes `is not …` */
export const refuse = (text: string, allowed: string): { readonly problem: string } => ({ problem: `${quote(text)} is not ${allowed}` })

/** A name of a queue or an exchange: not empty, at most 255 bytes, no control characters. */
export const readName = (text: string): Read<string> => {
  const name = text.trim()
  return name === '' || byteLength(name) > maxNameBytes || /[\p{Cc}\p{Cs}]/u.test(name)
    ? refuse(text, `a name of 1 to ${maxNameBytes} bytes without control characters`)
    : { value: name }
}

export const readWord =
  <T extends string>(...words: readonly T[]) =>
  (text: string): Read<T> => {
    const value = words.find((word) => word === text.trim().toLowerCase())
    return value === undefined ? refuse(text, `one of ${words.join(', ')}`) : { value }
  }

export const exchangeTypes: readonly ExchangeType[] = ['direct', 'topic', 'fanout', 'headers']

export const readWhole =
  (min: number, max: number) =>
  (text: string): Read<number> => {
    const value = /^-?\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
    return value >= min && value <= max ? { value: value + 0 } : refuse(text, `a whole number from ${min} to ${max}`)
  }

/** As the SDK reads booleans of annotations. */
export const readFlag = (text: string): Read<boolean> => {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === '1') return { value: true }
  return word === 'false' || word === '0' ? { value: false } : refuse(text, 'true or false')
}

/** Items of a comma list, trimmed, without empty ones and repeats. */
export const readItems = (text: string): Read<readonly string[]> => {
  if (text.length > maxText) return { problem: `it has ${text.length} characters, ${maxText} are allowed` }
  const items = [
    ...new Set(
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    ),
  ]
  if (items.length === 0) return { problem: 'it is empty; a comma list is expected' }
  return items.length > maxItems ? { problem: `it has ${items.length} items, ${maxItems} are allowed` } : { value: items }
}

const allowedStart =
  'first, last, next, an offset such as 1200, a time such as 2026-12-01T08:00:00Z, or an interval such as 1h (Y, M, D, h, m, s)'

/** Where a stream begins (rabbitmq.com/docs/streams, x-stream-offset). */
export const readStreamStart = (text: string): Read<StreamStart> => {
  const word = text.trim()
  if (word === 'first' || word === 'last' || word === 'next') return { value: word }
  if (/^\d{1,15}$/.test(word)) return { value: { offset: Number(word) } }
  if (/^[1-9]\d{0,5}[YMDhms]$/.test(word)) return { value: { interval: word } }
  const isTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(word)
  const timestamp = isTime ? Date.parse(word.toUpperCase()) : Number.NaN
  return Number.isNaN(timestamp) || timestamp < 0 ? refuse(text, allowedStart) : { value: { timestamp } }
}

/** `name=value` items for an exchange of type headers; `x-match=any` among them: one that fits is enough. */
export const readMatchHeaders = (text: string): Read<FieldTable> => {
  const items = readItems(text)
  if ('problem' in items) return items
  const table = new Map<string, FieldValue>([['x-match', 'all']])
  for (const item of items.value) {
    const at = item.indexOf('=')
    const name = item.slice(0, Math.max(0, at)).trim()
    const value = item.slice(at + 1).trim()
    const isMatch = name === 'x-match'
    const known = isMatch ? value === 'all' || value === 'any' : name !== '' && byteLength(name) <= 128 && !/\p{Cc}/u.test(item)
    if (!known) return refuse(item, 'name=value, or x-match=all or x-match=any')
    table.set(name, value)
  }
  return table.size > 1 ? { value: table } : { problem: 'it names no header; name=value items are expected' }
}
