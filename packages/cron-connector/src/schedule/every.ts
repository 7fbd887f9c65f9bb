import { parseGoDuration } from '@millrace/sdk'
import { quote } from './result.ts'
import type { Result } from './result.ts'

const rate = /^rate\(\s*(\d{1,9})\s+(second|minute|hour|day)s?\s*\)$/i
const rateUnits: ReadonlyMap<string, number> = new Map([
  ['second', 1000],
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
])
/** Ten years: beyond it a period is a mistake. */
const MAX_PERIOD = 3_652 * 86_400_000

/**
 * The period of `@every 1h30m` (a Go duration) or `rate(5 minutes)` in milliseconds, a multiple of 1000; `undefined` when the text is neither.
 * Like robfig, fractions of a second are cut and a shorter period becomes one second.
 */
export const parseEvery = (text: string): Result<number> | undefined => {
  const every = /^@every(?:\s+(.*))?$/is.exec(text)
  const match = rate.exec(text)
  if (every === null && match === null) {
    return /^rate\b/i.test(text)
      ? { problem: `${quote(text)} is no rate; write e.g. rate(5 minutes), with second, minute, hour or day` }
      : undefined
  }
  const ms =
    every === null ? Number(match?.[1]) * (rateUnits.get(match?.[2]?.toLowerCase() ?? '') ?? 0) : parseGoDuration(every[1]?.trim() ?? '')
  if (ms === undefined || ms <= 0) return { problem: `${quote(text)} has no period above zero; write e.g. @every 1h30m` }
  if (ms > MAX_PERIOD) return { problem: `${quote(text)} is longer than ten years` }
  return { value: Math.max(1000, Math.floor(ms / 1000) * 1000) }
}

/** The first multiple of `periodMs` later than `after`: counted from the epoch, so that restarts and replicas agree and no zone matters. */
export const nextEvery = (periodMs: number, after: number): number => (Math.floor(after / periodMs) + 1) * periodMs
