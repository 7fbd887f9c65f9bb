import type { HeaderField } from '@millrace/sdk'
import type { DayMatch } from '../schedule/matcher.ts'
import type { DstPolicy } from '../schedule/slots.ts'

/** What happens when a slot comes while an earlier run of the schedule is not settled. */
export type OverlapPolicy =
  /** Both run. */
  | 'allow'
  /** The slot is skipped and counted. */
  | 'forbid'
  /** The latest such slot runs when the earlier run has settled; older ones are skipped. */
  | 'buffer-one'

/** What happens to slots that passed while nobody could fire them. */
export type CatchUpPolicy = 'none' | 'last' | 'all'

/** What holds for every schedule unless its function says otherwise. */
export interface CronDefaults {
  /** IANA name. @default 'UTC' */
  readonly timezone: string
  /** @default 'vixie' */
  readonly dst: DstPolicy
  /** @default 'or' */
  readonly dayMatch: DayMatch
  /** @default 'allow' */
  readonly overlap: OverlapPolicy
  /** @default 'last' */
  readonly catchUp: CatchUpPolicy
  /** How far back missed slots are looked for, milliseconds. @default 300000 */
  readonly catchUpWindowMs: number
  /** Every slot fires later by a fixed part of this, a stable hash of the schedule's id; milliseconds. @default 0 */
  readonly jitterMs: number
}

/** The settings of one function's schedules. */
export interface CronSettings extends CronDefaults {
  /** Latest start after the slot, milliseconds; a later one is not started. */
  readonly deadlineMs?: number
  readonly suspend: boolean
  /** No slot before it, epoch milliseconds. */
  readonly startAt?: number
  /** No slot after it, epoch milliseconds. */
  readonly endAt?: number
  /** Runs in all, counted from the first sight of the schedule. */
  readonly maxRuns?: number
  /** Body of the request. */
  readonly payload: Uint8Array
  readonly contentType?: string
  /** Sent by their own names. */
  readonly headers: readonly HeaderField[]
}

export const builtInDefaults: CronDefaults = {
  timezone: 'UTC',
  dst: 'vixie',
  dayMatch: 'or',
  overlap: 'allow',
  catchUp: 'last',
  catchUpWindowMs: 300_000,
  jitterMs: 0,
}
