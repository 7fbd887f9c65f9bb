import { parseGoDuration } from '../duration.ts'
import { quote } from './problem-list.ts'

/** A value that was read, or what is wrong with it in one sentence. */
export type Read<T> = { readonly value: T } | { readonly problem: string }

const refuse = (text: string, allowed: string): { readonly problem: string } => ({ problem: `${quote(text)} is not ${allowed}` })

/** A whole number in decimal digits within bounds. */
export const readInteger = (text: string, min: number, max: number): Read<number> => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? { value } : refuse(text, `a whole number from ${min} to ${max}`)
}

/** One of the words. */
export const readWord = <T extends string>(text: string, words: readonly T[]): Read<T> => {
  const value = words.find((word) => word === text)
  return value === undefined ? refuse(text, `one of ${words.join(', ')}`) : { value }
}

/** `true` and `1`, `false` and `0`, as OpenFaaS' connectors write booleans. */
export const readBoolean = (text: string): Read<boolean> => {
  if (text === 'true' || text === '1') return { value: true }
  if (text === 'false' || text === '0') return { value: false }
  return refuse(text, '`true` or `false`')
}

const DAY_MS = 86_400_000

/** A Go duration from 1 ms to 24 h, in milliseconds, rounded up to a whole one. */
export const readDuration = (text: string): Read<number> => {
  const value = parseGoDuration(text)
  return value !== undefined && value >= 1 && value <= DAY_MS
    ? { value: Math.ceil(value) }
    : refuse(text, 'a duration with unit from 1ms to 24h, e.g. `500ms`, `30s`, `2m`')
}

const RATE_SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
])

/** A rate such as `100/s`, `6000/m` or `0.5/s`, per second; above 0 and at most 1,000,000 per second. */
export const readRate = (text: string): Read<number> => {
  const [, amount = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,6})?)\s*\/\s*([smh])$/.exec(text) ?? []
  const value = Number(amount) / (RATE_SECONDS.get(unit) ?? Number.NaN)
  return value > 0 && value <= 1_000_000 ? { value } : refuse(text, 'a rate up to 1000000/s, e.g. `100/s`, `6000/m`, `10/h`')
}

/** `type/subtype` with parameters, RFC 9110 section 8.3.1: printable ASCII, at most 256 characters, so that it is a header value as it stands. */
export const readContentType = (text: string): Read<string> => {
  const form = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[\x20-\x7E]*)?$/
  return text.length <= 256 && form.test(text) ? { value: text } : refuse(text, 'a media type, e.g. `application/json`')
}

/** Statuses of failed calls, e.g. `429,502`. */
export const readCodes = (text: string): Read<ReadonlySet<number>> => {
  const items = text
    .slice(0, 2048)
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  const valid = text.length <= 2048 && items.length > 0 && items.every((item) => /^[45]\d\d$/.test(item))
  return valid ? { value: new Set(items.map(Number)) } : refuse(text, 'a comma list of statuses from 400 to 599, e.g. `429,502`')
}
