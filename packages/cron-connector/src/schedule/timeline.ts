import type { Expression } from './expression.ts'
import { nextEvery } from './every.ts'
import { createMatcher } from './matcher.ts'
import type { DayMatch, Matcher } from './matcher.ts'
import { slots } from './slots.ts'
import type { DstPolicy, Slot } from './slots.ts'
import { quote } from './result.ts'
import type { Result } from './result.ts'
import { zoneOf } from './zone.ts'
import type { Zone } from './zone.ts'

/** Rules under which an expression becomes instants. */
export interface TimelineRules {
  /** Used when the expression names none. */
  readonly timezone: string
  readonly dst: DstPolicy
  readonly dayMatch: DayMatch
}

/** The instants of one schedule, epoch milliseconds. */
export interface Timeline {
  readonly zone: Zone
  /** The first slot later than `after`. Cheap when it goes on from the slot that it gave last. */
  next(after: number): number | undefined
}

/** 29 February on one weekday comes back after 40 years at most (around 2100). */
const HORIZON = 41 * 366 * 86_400_000

class FieldTimeline implements Timeline {
  readonly zone: Zone
  readonly #matcher: Matcher
  readonly #dst: DstPolicy
  #walk: Generator<Slot, void, undefined> | undefined
  #asked = Number.NaN
  #last = Number.NaN

  constructor(matcher: Matcher, zone: Zone, dst: DstPolicy) {
    this.#matcher = matcher
    this.zone = zone
    this.#dst = dst
  }

  next(after: number): number | undefined {
    // Who plans a run asks for the same slot twice: to wait for it, and to fire it.
    if (after === this.#asked) return this.#last
    let step = after === this.#last ? this.#walk?.next() : undefined
    // A walk ends at its horizon, so one that ran for decades is begun again.
    if (step === undefined || step.done === true) {
      this.#walk = slots(this.#matcher, this.zone, after, after + HORIZON, this.#dst)
      step = this.#walk.next()
    }
    if (step.done === true) return undefined
    this.#asked = after
    this.#last = step.value.at
    return step.value.at
  }
}

/** Compiles an expression. A date that never comes and an unknown zone are problems. */
export const createTimeline = (expression: Expression, rules: TimelineRules): Result<Timeline> => {
  const name = expression.timezone ?? rules.timezone
  const zone = zoneOf(name)
  if (zone === undefined) return { problem: `time zone ${quote(name)} is not known; use an IANA name such as Europe/Berlin` }
  const { recurrence } = expression
  if (recurrence.kind === 'every') return { value: { zone, next: (after) => nextEvery(recurrence.periodMs, after) } }
  const matcher = createMatcher(recurrence.fields, rules.dayMatch)
  if (!matcher.possible) return { problem: `${quote(expression.text)} names a date that no year has` }
  return { value: new FieldTimeline(matcher, zone, rules.dst) }
}
