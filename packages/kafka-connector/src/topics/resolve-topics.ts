import { selectTopics } from './topic-pattern.ts'

/** @see resolveTopics */
export interface TopicRules {
  /** Never consumed, exact names and patterns. */
  readonly exclude: readonly string[]
  /** Where dead letters go, e.g. `{topic}.dlq`: no pattern takes such a topic. Absent: there are none. */
  readonly deadLetterTopic?: string
}

/** Kafka's own rule for names (org.apache.kafka.common.internals.Topic). */
const legal = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/

const templateOf = (template: string | undefined): RegExp | undefined => {
  if (template === undefined) return undefined
  const parts = template.split(/\{(?:topic|group|function)\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('.+')}$`)
}

/**
 * The topics to consume: exact names as they are, patterns over what exists. Internal topics (`__consumer_offsets`) are never among them,
 * and dead letters only by their exact name: a pattern that took its own dead letters would go round for ever.
 */
export const resolveTopics = (wanted: Iterable<string>, existing: readonly string[], rules: TopicRules): readonly string[] => {
  const selection = selectTopics(wanted)
  const excluded = selectTopics(rules.exclude)
  const deadLetter = templateOf(rules.deadLetterTopic)
  const matched = existing.filter((topic) => deadLetter?.test(topic) !== true && selection.matchesPattern(topic))
  return [...new Set([...selection.exact, ...matched])]
    .filter((topic) => legal.test(topic) && !topic.startsWith('__') && !excluded.exact.has(topic) && !excluded.matchesPattern(topic))
    .toSorted()
}

/** The group of a topic: the template with `{topic}` filled in. Fixed by configuration, never by how many topics there are. */
export const groupOf = (template: string, topic: string): string => template.replaceAll('{topic}', () => topic)

/** Topics by group, with their number of partitions. */
export const groupTopics = (template: string, topics: ReadonlyMap<string, number>): ReadonlyMap<string, ReadonlyMap<string, number>> => {
  const groups = new Map<string, Map<string, number>>()
  for (const [topic, partitions] of topics) {
    const group = groupOf(template, topic)
    const members = groups.get(group) ?? new Map<string, number>()
    groups.set(group, members.set(topic, partitions))
  }
  return groups
}
