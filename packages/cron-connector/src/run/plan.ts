import type { CatchUpPolicy } from '../declare/settings.ts'
import type { Timeline } from '../schedule/timeline.ts'

/** At most so many missed slots are fired or counted: a long absence must not become a flood. */
export const MAX_MISSED = 100
/** A slot that is late by no more than this, while the process lives, is on time: a blocked event loop loses nothing. */
export const GRACE_MS = 10_000

/** Why a slot fires. */
export type Trigger = 'schedule' | 'catch-up'

/** One slot that is to be fired. */
export interface DueSlot {
  /** Nominal instant, epoch seconds. */
  readonly slot: number
  readonly trigger: Trigger
  /** Slots before it that nobody will fire, 0 to 100. */
  readonly missed: number
}

/** What to do with the slots that have come. */
export interface Plan {
  /** Ascending. */
  readonly fire: readonly DueSlot[]
  /** Newest slot that has come, epoch seconds; absent: none. */
  readonly newest?: number
  /** Slots that are given up, at most 100 counted. */
  readonly given: number
}

export interface PlanInput {
  readonly timeline: Timeline
  /** Newest slot that was claimed or given up, epoch milliseconds. */
  readonly cursor: number
  /** Now, less the schedule's delay; epoch milliseconds. */
  readonly now: number
  /** Slots from here on belong to this session: earlier ones were missed. */
  readonly since: number
  readonly catchUp: CatchUpPolicy
  readonly windowMs: number
  readonly deadlineMs?: number
  /** No slot after it, epoch milliseconds. */
  readonly endAt?: number
}

const walk = (timeline: Timeline, after: number, upTo: number, most: number): number[] => {
  const found: number[] = []
  for (let at = timeline.next(after); at !== undefined && at <= upTo && found.length < most; at = timeline.next(at)) found.push(at)
  return found
}

/**
 * The newest slots in `(after, upTo]`, ascending, at most one more than `MAX_MISSED`; below `oldest` there may be some missing.
 * When there are many it looks back in growing steps, so that a jump of the clock costs a thousand slots, not all that lie between.
 */
export const newestSlots = (timeline: Timeline, after: number, oldest: number, upTo: number): readonly number[] => {
  const most = MAX_MISSED + 1
  const first = walk(timeline, after, upTo, most)
  if (first.length < most) return first
  for (let span = most * 1000; ; span *= 4) {
    const from = Math.max(oldest, upTo - span)
    const found = walk(timeline, from, upTo, Infinity)
    if (from === oldest || found.length >= most) return found.slice(-most)
  }
}

/** Which of the slots are fired: those that are on time, and by policy those that were missed. Both ascending. */
const choose = (missed: readonly number[], onTime: readonly number[], policy: CatchUpPolicy): readonly number[] => {
  if (policy === 'all') return [...missed, ...onTime].slice(-MAX_MISSED)
  // A run that is on time does what the missed one would have done.
  return policy === 'last' && onTime.length === 0 ? missed.slice(-1) : onTime
}

const nothing: Plan = { fire: [], given: 0 }

/** Decides which of the slots that have come are fired. */
export const planDue = (input: PlanInput): Plan => {
  const { now, since, timeline, cursor } = input
  if (cursor >= now) return nothing
  const oldest = Math.max(cursor, now - Math.max(input.windowMs, GRACE_MS))
  const due = newestSlots(timeline, cursor, oldest, now)
  const next = due.length === 0 ? timeline.next(cursor) : undefined
  if (due.length === 0 && (next === undefined || next > now)) return nothing
  const onTimeFrom = Math.max(now - GRACE_MS, since)
  const [only] = due
  // What nearly always is the case, without the lists below: one slot, on time.
  if (
    due.length === 1 &&
    only !== undefined &&
    only >= onTimeFrom &&
    now - only <= (input.deadlineMs ?? Infinity) &&
    only <= (input.endAt ?? Infinity)
  ) {
    return { fire: [{ slot: only / 1000, trigger: 'schedule', missed: 0 }], newest: only / 1000, given: 0 }
  }
  const startable = due.filter((at) => now - at <= (input.deadlineMs ?? Infinity) && at <= (input.endAt ?? Infinity))
  const onTime = startable.filter((at) => at >= onTimeFrom)
  const missed = startable.filter((at) => at < onTimeFrom && at >= now - input.windowMs)
  const chosen = choose(missed, onTime, input.catchUp)
  const before = due.filter((at) => at < (chosen[0] ?? 0)).length
  const fire = chosen.map((at, index): DueSlot => ({
    slot: at / 1000,
    trigger: at < onTimeFrom ? 'catch-up' : 'schedule',
    missed: index === 0 ? Math.min(before, MAX_MISSED) : 0,
  }))
  return { fire, newest: Math.floor((due.at(-1) ?? now) / 1000), given: due.length - fire.length }
}
