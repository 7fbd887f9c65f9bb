import { FILTER_ANNOTATION, OWN_TOPIC_ANNOTATION, TOPIC_ANNOTATION } from '../annotations/annotation-names.ts'
import { MAX_REASON_LENGTH, quote } from '../annotations/problem-list.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import { compileFilter } from '../filter/compile-filter.ts'
import type { FilterOptions } from '../filter/compile-filter.ts'
import { printable } from '../printable.ts'
import type { DeclaredFunction } from './declare-function.ts'
import type { Explanation, NearMissCode } from './explanation.ts'
import type { IgnoredFunction } from './ignored-function.ts'
import { MAX_TOPIC_LENGTH, matchesPattern, parseTopicPattern } from './pattern.ts'
import type { TopicPattern } from './pattern.ts'

type NearMiss = Explanation['nearMisses'][number]

/** What `explainTopic` looks through. */
export interface ExplainInput {
  readonly declared: Iterable<DeclaredFunction>
  readonly ignored: readonly IgnoredFunction[]
  readonly maxNearMisses: number
  readonly filterOptions: FilterOptions
}

/** A topic in the spellings that people mix up. */
interface Spellings {
  readonly lower: string
  readonly tight: string
  readonly tightLower: string
}

/** Blanks of any script and characters that nobody sees. */
const foldBlanks = (text: string): string => (/[^!-~]/.test(text) ? text.replaceAll(/[\s\p{Cf}]/gu, '') : text)

const spell = (topic: string): Spellings => {
  const tight = foldBlanks(topic)
  return { lower: topic.toLowerCase(), tight, tightLower: tight.toLowerCase() }
}

const matchesFolded = (pattern: TopicPattern, folded: string, topic: string): boolean => {
  if (pattern.exact) return folded === topic
  const parsed = parseTopicPattern(folded)
  return !('problem' in parsed) && matchesPattern(parsed, topic)
}

/** How a pattern that does not match would, or `undefined`. The widest spelling is asked first: most patterns end there. */
const spellingMiss = (pattern: TopicPattern, topic: Spellings): { code: NearMissCode; reason: string } | undefined => {
  const tight = foldBlanks(pattern.text)
  if (!matchesFolded(pattern, tight.toLowerCase(), topic.tightLower)) return undefined
  const shown = `its topic ${quote(pattern.text)} differs in`
  if (matchesFolded(pattern, pattern.text.toLowerCase(), topic.lower)) {
    return { code: 'case', reason: `${shown} upper and lower case; topics are compared exactly` }
  }
  const alsoCase = matchesFolded(pattern, tight, topic.tight) ? '' : ', and in upper and lower case'
  return { code: 'blank', reason: `${shown} blanks or invisible characters${alsoCase}` }
}

const topicProblem = (item: DeclaredFunction): string | undefined =>
  item.problems.find(({ annotation }) => annotation === TOPIC_ANNOTATION || annotation === OWN_TOPIC_ANNOTATION)?.reason

const spelledNearly = (item: DeclaredFunction, topic: Spellings): NearMiss | undefined => {
  for (const pattern of item.patterns) {
    const spelling = spellingMiss(pattern, topic)
    if (spelling !== undefined) return { function: item.mapped.declaration.function, ...spelling }
  }
  return undefined
}

const badAnnotation = (item: DeclaredFunction): NearMiss | undefined => {
  const reason = topicProblem(item)
  return reason === undefined ? undefined : { function: item.mapped.declaration.function, code: 'bad-annotation', reason }
}

const filterMiss = (item: DeclaredFunction, event: MillraceEvent, options: FilterOptions): NearMiss => {
  const compiled = compileFilter((item.mapped.declaration.annotations.get(FILTER_ANNOTATION) ?? '').trim(), options)
  const clause = 'problem' in compiled ? undefined : compiled.firstMismatch(event)
  const reason =
    clause === undefined ? 'its filter does not want the event' : `its filter does not want the event: \`${clause}\` does not hold`
  return { function: item.mapped.declaration.function, code: 'filter', reason: printable(reason, MAX_REASON_LENGTH) }
}

const explainIgnored = (item: IgnoredFunction, topic: string): NearMiss | undefined =>
  item.patterns.some((pattern) => matchesPattern(pattern, topic))
    ? { function: item.function, code: item.code, reason: item.reason }
    : undefined

/** Near misses up to a bound; those of functions that may have meant something else altogether come last. */
class NearMisses {
  readonly #max: number
  readonly #sure: NearMiss[] = []
  readonly #vague: NearMiss[] = []

  constructor(max: number) {
    this.#max = max
  }

  add(miss: NearMiss | undefined, isVague = false): void {
    const list = isVague ? this.#vague : this.#sure
    if (miss !== undefined && list.length < this.#max) list.push(miss)
  }

  toArray(): readonly NearMiss[] {
    return [...this.#sure, ...this.#vague].slice(0, this.#max)
  }
}

/** Looks through all functions: for a person who asks, not for the path of events. */
export const explainTopic = (topic: string, event: MillraceEvent | undefined, input: ExplainInput): Explanation => {
  const matches: { function: string; via: string }[] = []
  const near = new NearMisses(input.maxNearMisses)
  const spellings = topic.length <= 2 * MAX_TOPIC_LENGTH ? spell(topic) : undefined
  for (const item of input.declared) {
    const via = item.patterns.find((pattern) => matchesPattern(pattern, topic))
    const { policy, declaration } = item.mapped
    if (via === undefined) {
      const spelled = spellings === undefined ? undefined : spelledNearly(item, spellings)
      if (spelled === undefined) near.add(badAnnotation(item), true)
      else near.add(spelled)
    } else if (event !== undefined && policy.filter?.(event) === false) near.add(filterMiss(item, event, input.filterOptions))
    else matches.push({ function: declaration.function, via: via.text })
  }
  for (const item of input.ignored) near.add(explainIgnored(item, topic))
  return { topic, matches, nearMisses: near.toArray() }
}
