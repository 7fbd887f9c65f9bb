import { parseGoDuration } from '@millrace/sdk'
import { quote } from '../schedule/result.ts'
import type { Result } from '../schedule/result.ts'
import { zoneOf } from '../schedule/zone.ts'
import { readHeaders } from './read-headers.ts'
import type { CronDefaults, CronSettings } from './settings.ts'

/** Before the name of every annotation that is Millrace's own. */
export const PREFIX = 'com.openfaas.connector.'

const DAY = 86_400_000
const encoder = new TextEncoder()
const noBytes = new Uint8Array()

const words =
  <T extends string>(...allowed: readonly T[]) =>
  (text: string): Result<T> => {
    const value = allowed.find((word) => word === text.trim().toLowerCase())
    return value === undefined ? { problem: `${quote(text)} is not one of ${allowed.join(', ')}` } : { value }
  }

const duration =
  (max: number, maxText: string) =>
  (text: string): Result<number> => {
    const value = parseGoDuration(text.trim())
    return value !== undefined && value >= 0 && value <= max
      ? { value: Math.ceil(value) }
      : { problem: `${quote(text)} is no duration from 0s to ${maxText}, such as 90s or 1h30m` }
  }

const flag = (text: string): Result<boolean> => {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === '1') return { value: true }
  return word === 'false' || word === '0' ? { value: false } : { problem: `${quote(text)} is neither true nor false` }
}

const instant = (text: string): Result<number> => {
  const form = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text.trim())
  const value = form ? Date.parse(text.trim().toUpperCase()) : Number.NaN
  return Number.isNaN(value) ? { problem: `${quote(text)} is no time with offset, such as 2026-12-01T08:00:00Z` } : { value }
}

const positive = (text: string): Result<number> => {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0
  return value >= 1 ? { value } : { problem: `${quote(text)} is no whole number from 1 to 999999999` }
}

const timezone = (text: string): Result<string> => {
  const name = text.trim()
  return zoneOf(name) === undefined
    ? { problem: `time zone ${quote(name)} is not known; use an IANA name such as Europe/Berlin` }
    : { value: name }
}

const payload = (text: string): Result<Uint8Array> => ({ value: encoder.encode(text) })
/** The function's policy reads and checks `content-type` too, and reports it. */
const contentType = (text: string): Result<string | undefined> => ({ value: /^[\x20-\x7E]{3,256}$/.test(text) ? text.trim() : undefined })

/** One reader for each annotation, by its name without the prefix. */
const readers = {
  timezone: ['timezone', timezone],
  dst: ['dst', words('vixie', 'skip', 'shift')],
  'day-match': ['dayMatch', words('or', 'and')],
  overlap: ['overlap', words('allow', 'forbid', 'buffer-one')],
  'catch-up': ['catchUp', words('none', 'last', 'all')],
  'catch-up-window': ['catchUpWindowMs', duration(31 * DAY, '744h')],
  jitter: ['jitterMs', duration(DAY, '24h')],
  deadline: ['deadlineMs', duration(31 * DAY, '744h')],
  suspend: ['suspend', flag],
  'start-at': ['startAt', instant],
  'end-at': ['endAt', instant],
  'max-runs': ['maxRuns', positive],
  payload: ['payload', payload],
  'content-type': ['contentType', contentType],
  headers: ['headers', readHeaders],
} as const satisfies Record<string, readonly [keyof CronSettings, (text: string) => Result<unknown>]>

/** Every annotation that the cron source reads; one that ends in `.` stands for all that begin with it. */
export const cronAnnotations: ReadonlySet<string> = new Set([
  'schedule',
  `${PREFIX}schedule`,
  `${PREFIX}schedule.`,
  ...Object.keys(readers).map((name) => `${PREFIX}${name}`),
])

/** The settings, and what is wrong with the annotations. Every reader has the type of its setting, so the object is whole. */
export const readSettings = (
  annotations: ReadonlyMap<string, string>,
  defaults: CronDefaults,
): { readonly settings: CronSettings; readonly problems: readonly { readonly annotation: string; readonly reason: string }[] } => {
  const read: Partial<Record<keyof CronSettings, unknown>> = {}
  const problems: { annotation: string; reason: string }[] = []
  for (const [name, [key, reader]] of Object.entries(readers)) {
    const text = annotations.get(`${PREFIX}${name}`)
    if (text === undefined) continue
    const result = reader(text)
    if ('problem' in result) problems.push({ annotation: `${PREFIX}${name}`, reason: result.problem })
    else if (result.value !== undefined) read[key] = result.value
  }
  const settings = { ...defaults, suspend: false, payload: noBytes, headers: [], ...read } as CronSettings
  return { settings, problems }
}
