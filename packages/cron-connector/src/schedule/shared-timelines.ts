import type { Expression } from './expression.ts'
import type { Result } from './result.ts'
import { createTimeline } from './timeline.ts'
import type { Timeline, TimelineRules } from './timeline.ts'
import type { Zone } from './zone.ts'

/** Answers that are remembered: schedules of one expression that fire together ask the same few questions one after the other. */
const REMEMBERED = 4
/** Different timelines that are shared; beyond it, it begins anew. */
const MOST = 1024

/** A timeline for several schedules: each question costs a walk once. */
class SharedTimeline implements Timeline {
  readonly zone: Zone
  readonly #timeline: Timeline
  readonly #asked: number[] = Array.from({ length: REMEMBERED }, () => Number.NaN)
  readonly #answers: (number | undefined)[] = Array.from({ length: REMEMBERED }, () => undefined)
  #oldest = 0

  constructor(timeline: Timeline) {
    this.zone = timeline.zone
    this.#timeline = timeline
  }

  next(after: number): number | undefined {
    const known = this.#asked.indexOf(after)
    if (known >= 0) return this.#answers[known]
    const answer = this.#timeline.next(after)
    this.#asked[this.#oldest] = after
    this.#answers[this.#oldest] = answer
    this.#oldest = (this.#oldest + 1) % REMEMBERED
    return answer
  }
}

/** As `createTimeline`, with one timeline for all schedules that have the same instants. */
export const sharedTimelines = (): ((expression: Expression, rules: TimelineRules) => Result<Timeline>) => {
  const known = new Map<string, Timeline>()
  return (expression, rules) => {
    const key = JSON.stringify([expression.text, expression.timezone ?? rules.timezone, rules.dst, rules.dayMatch])
    const shared = known.get(key)
    if (shared !== undefined) return { value: shared }
    const made = createTimeline(expression, rules)
    if ('problem' in made) return made
    if (known.size >= MOST) known.clear()
    const timeline = new SharedTimeline(made.value)
    known.set(key, timeline)
    return { value: timeline }
  }
}
