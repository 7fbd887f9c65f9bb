import { MillraceError } from '@millrace/sdk'
import { parseExpression } from './schedule/expression.ts'
import type { DayMatch } from './schedule/matcher.ts'
import type { DstPolicy } from './schedule/slots.ts'
import { splitSchedules } from './schedule/split.ts'
import { createTimeline } from './schedule/timeline.ts'
import type { Timeline } from './schedule/timeline.ts'

/** How to read a schedule. */
export interface NextRunsOptions {
  /** IANA name, for expressions without `CRON_TZ=`. @default 'UTC' */
  readonly timezone?: string
  /** What a change of the UTC offset does to fixed times. @default 'vixie' */
  readonly dst?: DstPolicy
  /** How day of month and day of week combine when both are restricted. @default 'or' */
  readonly dayMatch?: DayMatch
  /** Runs later than this; a number is epoch milliseconds. @default now */
  readonly from?: Date | number
  /** At most this many, 1 to 10000. @default 5 */
  readonly count?: number
}

const EARLIEST = Date.UTC(1900, 0, 1)
const LATEST = Date.UTC(9000, 0, 1)

const problem = (schedule: string, reason: string): MillraceError =>
  new MillraceError('E_CRON_SCHEDULE', { schedule: schedule.slice(0, 80), reason })

const timelinesOf = (schedule: string, options: NextRunsOptions): Timeline[] => {
  const split = splitSchedules(schedule)
  if ('problem' in split) throw problem(schedule, split.problem)
  return split.value.map((text) => {
    const expression = parseExpression(text)
    if ('problem' in expression) throw problem(schedule, expression.problem)
    const rules = { timezone: options.timezone ?? 'UTC', dst: options.dst ?? 'vixie', dayMatch: options.dayMatch ?? 'or' }
    const timeline = createTimeline(expression.value, rules)
    if ('problem' in timeline) throw problem(schedule, timeline.problem)
    return timeline.value
  })
}

/**
 * The next runs of a schedule, ascending, each instant once: what the cron source will do, without jitter and limits.
 * Takes what the `schedule` annotation takes, several expressions with `;` included.
 *
 * @throws MillraceError `E_CRON_SCHEDULE` when the schedule, the zone or the count is wrong.
 * @example
 * nextRuns('0 9 * * 1-5', { timezone: 'Europe/London', from: new Date('2026-11-25T00:00:00Z'), count: 2 })
 * // [2026-11-25T09:00:00.000Z, 2026-11-26T09:00:00.000Z]
 */
export const nextRuns = (schedule: string, options: NextRunsOptions = {}): Date[] => {
  const count = options.count ?? 5
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw problem(schedule, 'count must be a whole number from 1 to 10000')
  const from = Number(options.from ?? Date.now())
  if (!(from >= EARLIEST && from <= LATEST)) throw problem(schedule, 'from must be a date from 1900 to 9000')
  const heads = timelinesOf(schedule, options).map((timeline) => ({ timeline, at: timeline.next(from) }))
  const runs: Date[] = []
  while (runs.length < count) {
    const at = Math.min(...heads.map((head) => head.at ?? Infinity))
    if (at === Infinity) break
    runs.push(new Date(at))
    for (const head of heads) if (head.at === at) head.at = head.timeline.next(at)
  }
  return runs
}
