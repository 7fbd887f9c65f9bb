import { parseEvery } from './every.ts'
import type { Fields } from './fields.ts'
import { parseFields } from './parser.ts'
import { quote } from './result.ts'
import type { Result } from './result.ts'
import { zoneOf } from './zone.ts'

/** What repeats: local times by fields, or a fixed period. */
export type Recurrence = { readonly kind: 'fields'; readonly fields: Fields } | { readonly kind: 'every'; readonly periodMs: number }

/** One expression, read. */
export interface Expression {
  /** As written, blanks made single, without the zone. */
  readonly text: string
  /** Equal for spellings that mean the same to us; part of the schedule's id. */
  readonly normalised: string
  /** From a `CRON_TZ=` or `TZ=` prefix. */
  readonly timezone?: string
  readonly recurrence: Recurrence
}

/** Longer expressions are refused unread. */
const MAX_LENGTH = 256

const descriptors: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])

const prefix = /^(?:CRON_)?TZ=(\S*)(?:\s+(.*))?$/s

const readRecurrence = (text: string): Result<{ normalised: string; recurrence: Recurrence }> => {
  const every = parseEvery(text)
  if (every !== undefined) {
    if ('problem' in every) return every
    return { value: { normalised: `@every ${every.value / 1000}s`, recurrence: { kind: 'every', periodMs: every.value } } }
  }
  const expanded = text.startsWith('@') ? descriptors.get(text.toLowerCase()) : text
  if (expanded === undefined) {
    return { problem: `${quote(text)} is no descriptor; allowed: ${[...descriptors.keys()].join(', ')}, @every 5m` }
  }
  const parts = expanded.split(' ')
  if (parts.length !== 5 && parts.length !== 6)
    return { problem: `${quote(text)} has ${parts.length} fields; expected 5, or 6 with the second first` }
  const read = parseFields(parts)
  if ('problem' in read) return { problem: `${quote(text)}: ${read.problem}` }
  return { value: { normalised: read.value.normalised, recurrence: { kind: 'fields', fields: read.value.fields } } }
}

/** Texts whose reading is kept: many functions have the same few schedules. */
const MAX_KNOWN = 4096
const known = new Map<string, Result<Expression>>()

/** Reads one expression. Never throws, whatever the text. */
export const parseExpression = (source: string): Result<Expression> => {
  const read = known.get(source) ?? readExpression(source)
  if (known.size >= MAX_KNOWN) known.clear()
  if (source.length <= MAX_LENGTH) known.set(source, read)
  return read
}

const readExpression = (source: string): Result<Expression> => {
  if (source.length > MAX_LENGTH) return { problem: `the schedule has ${source.length} characters; at most ${MAX_LENGTH} are allowed` }
  const whole = source.trim().replaceAll(/\s+/g, ' ')
  if (whole === '') return { problem: 'the schedule is empty' }
  const zoned = prefix.exec(whole)
  const text = zoned === null ? whole : (zoned[2] ?? '')
  const timezone = zoned?.[1]
  if (timezone !== undefined && zoneOf(timezone) === undefined) {
    return { problem: `time zone ${quote(timezone)} is not known; use an IANA name such as Europe/Berlin` }
  }
  if (text === '') return { problem: `${quote(whole)} names a zone but no schedule; write e.g. CRON_TZ=Asia/Tokyo 0 9 * * *` }
  const read = readRecurrence(text)
  if ('problem' in read) return read
  return { value: { text, ...read.value, ...(timezone === undefined ? {} : { timezone }) } }
}
