import { parseTopicPattern } from '../topics/pattern.ts'
import type { TopicPattern } from '../topics/pattern.ts'
import { OWN_TOPIC_ANNOTATION, TOPIC_ANNOTATION } from './annotation-names.ts'
import { quote } from './problem-list.ts'
import type { ProblemList } from './problem-list.ts'

/** How much of a `topic` annotation is taken. */
export interface TopicLimits {
  /** Characters of the annotation. @default 16384 */
  readonly topicAnnotationLength: number
  /** Different topics of a function. @default 256 */
  readonly topicsPerFunction: number
}

const readItems = (annotation: string, text: string, limits: TopicLimits, problems: ProblemList, into: Map<string, TopicPattern>): void => {
  for (const item of text.split(',')) {
    const topic = item.trim()
    if (topic === '' || into.has(topic)) continue
    const parsed = parseTopicPattern(topic)
    if ('problem' in parsed) {
      problems.add(annotation, `${quote(topic)} is left out: ${parsed.problem}`)
      continue
    }
    if (into.size >= limits.topicsPerFunction) {
      problems.add(annotation, `only the first ${limits.topicsPerFunction} topics count; ${quote(topic)} and what follows is left out`)
      return
    }
    if (parsed.hint !== undefined) problems.add(annotation, `${quote(topic)}: ${parsed.hint}`)
    into.set(topic, parsed)
  }
}

/**
 * Reads the `topic` annotation (and its name under Millrace's prefix): items parted by commas, each trimmed, empty ones
 * dropped, repeats once, in their order. An item that is wrong is reported and the others stand. An annotation that is
 * too long as a whole gives no topics.
 */
export const readTopics = (
  annotations: ReadonlyMap<string, string>,
  limits: TopicLimits,
  problems: ProblemList,
): readonly TopicPattern[] => {
  const patterns = new Map<string, TopicPattern>()
  for (const annotation of [TOPIC_ANNOTATION, OWN_TOPIC_ANNOTATION]) {
    const text = annotations.get(annotation)
    if (text === undefined) continue
    if (text.length > limits.topicAnnotationLength) {
      problems.add(annotation, `it has ${text.length} characters, ${limits.topicAnnotationLength} are allowed; none of its topics counts`)
    } else readItems(annotation, text, limits, problems, patterns)
  }
  return [...patterns.values()]
}
