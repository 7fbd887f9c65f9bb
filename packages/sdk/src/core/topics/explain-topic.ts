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

/** Blanks of any script and characters that nobody sees. */
const foldBlanks = (text: string): string => text.replaceAll(/[\s\p{Cf}]/gu, '')
const foldCase = (text: string): string => text.toLowerCase()

const matchesFolded = (pattern: TopicPattern, topic: string, fold: (text: string) => string): boolean => {
  const folded = parseTopicPattern(fold(pattern.text))
  return !('problem' in folded) && matchesPattern(folded, fold(topic))
}

/** The near misses of a topic by the way it is written. */
const nearBySpelling = (patterns: readonly TopicPattern[], topic: string): { code: NearMissCode; reason: string } | undefined => {
  for (const pattern of patterns) {
    if (matchesFolded(pattern, topic, foldCase)) {
      return { code: 'case', reason: `its topic ${quote(pattern.text)} differs in upper and lower case; topics are compared exactly` }
    }
    if (matchesFolded(pattern, topic, foldBlanks)) {
      return { code: 'blank', reason: `its topic ${quote(pattern.text)} differs in blanks or invisible characters` }
    }
    if (matchesFolded(pattern, topic, (text) => foldCase(foldBlanks(text)))) {
      return {
        code: 'blank',
        reason: `its topic ${quote(pattern.text)} differs in blanks or invisible characters, and in upper and lower case`,
      }
    }
  }
  return undefined
}

const topicProblem = (item: DeclaredFunction): string | undefined =>
  item.problems.find(({ annotation }) => annotation === TOPIC_ANNOTATION || annotation === OWN_TOPIC_ANNOTATION)?.reason

const nearMiss = (item: DeclaredFunction, topic: string): NearMiss | undefined => {
  const name = item.mapped.declaration.function
  const spelling = nearBySpelling(item.patterns, topic)
  if (spelling !== undefined) return { function: name, ...spelling }
  const problem = topicProblem(item)
  return problem === undefined ? undefined : { function: name, code: 'bad-annotation', reason: problem }
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

/** Looks through all functions: for a person who asks, not for the path of events. */
export const explainTopic = (topic: string, event: MillraceEvent | undefined, input: ExplainInput): Explanation => {
  const matches: { function: string; via: string }[] = []
  const nearMisses: NearMiss[] = []
  const add = (miss: NearMiss | undefined): void => {
    if (miss !== undefined && nearMisses.length < input.maxNearMisses) nearMisses.push(miss)
  }
  const canBeNear = topic.length <= 2 * MAX_TOPIC_LENGTH
  for (const item of input.declared) {
    const via = item.patterns.find((pattern) => matchesPattern(pattern, topic))
    const { policy, declaration } = item.mapped
    if (via === undefined) {
      if (canBeNear && nearMisses.length < input.maxNearMisses) add(nearMiss(item, topic))
    } else if (event !== undefined && policy.filter?.(event) === false) add(filterMiss(item, event, input.filterOptions))
    else matches.push({ function: declaration.function, via: via.text })
  }
  for (const item of input.ignored) add(explainIgnored(item, topic))
  return { topic, matches, nearMisses }
}
