import { matchesPattern, parseTopicPattern } from '@millrace/sdk'
import type { PlannedFunction } from './shares.ts'
import { patternsMeet } from './routing-key.ts'

/** Topics of cron schedules, which every connector leaves alone (openfaas.md 1.8). */
const schedules: ReadonlySet<string> = new Set(['cron-function', 'com.openfaas.cron'])

type Pattern = Exclude<ReturnType<typeof parseTopicPattern>, { problem: string }>

/** Which functions name which topics. */
export class TopicIndex {
  /** Exact topics with the functions that name them, both sorted. */
  readonly exact: ReadonlyMap<string, readonly PlannedFunction[]>
  /** Patterns, likewise. */
  readonly patterns: readonly { readonly pattern: Pattern; readonly functions: readonly PlannedFunction[] }[]
  readonly #order: ReadonlyMap<PlannedFunction, number>

  /** @param functions sorted by name */
  constructor(functions: readonly PlannedFunction[]) {
    const byTopic = new Map<string, PlannedFunction[]>()
    for (const planned of functions) {
      for (const topic of planned.declared.topics) {
        if (schedules.has(topic)) continue
        const named = byTopic.get(topic)
        if (named === undefined) byTopic.set(topic, [planned])
        else named.push(planned)
      }
    }
    const exact = new Map<string, readonly PlannedFunction[]>()
    const patterns: { pattern: Pattern; functions: readonly PlannedFunction[] }[] = []
    for (const topic of [...byTopic.keys()].toSorted()) {
      const pattern = parseTopicPattern(topic)
      const named = byTopic.get(topic) ?? []
      if ('problem' in pattern) continue
      if (pattern.exact) exact.set(topic, named)
      else patterns.push({ pattern, functions: named })
    }
    this.exact = exact
    this.patterns = patterns
    this.#order = new Map(functions.map((planned, index) => [planned, index]))
  }

  /** The functions that want a topic. */
  wanting(topic: string): readonly PlannedFunction[] {
    const matched = this.patterns.filter(({ pattern }) => matchesPattern(pattern, topic)).flatMap(({ functions }) => functions)
    return this.#sorted([...(this.exact.get(topic) ?? []), ...matched])
  }

  /** The functions that want some topic that a pattern of the broker lets through. */
  meeting(key: string): readonly PlannedFunction[] {
    const exact = [...this.exact].filter(([topic]) => patternsMeet(topic, key)).flatMap(([, functions]) => functions)
    const matched = this.patterns.filter(({ pattern }) => patternsMeet(pattern.text, key)).flatMap(({ functions }) => functions)
    return this.#sorted([...exact, ...matched])
  }

  #sorted(functions: readonly PlannedFunction[]): readonly PlannedFunction[] {
    return [...new Set(functions)].toSorted((left, right) => (this.#order.get(left) ?? 0) - (this.#order.get(right) ?? 0))
  }
}
