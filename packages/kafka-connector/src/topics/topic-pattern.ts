import { matchesPattern, parseTopicPattern } from '@millrace/sdk'

/** What names topics: exact ones and patterns, as in the `topic` annotation. */
export interface TopicSelection {
  readonly exact: ReadonlySet<string>
  readonly hasPatterns: boolean
  /** By a pattern; an exact name is not asked for here. */
  matchesPattern(topic: string): boolean
}

/** Splits what was asked for into exact names and patterns. What is neither selects nothing: the topic map has reported it. */
export const selectTopics = (topics: Iterable<string>): TopicSelection => {
  const parsed = [...new Set(topics)].flatMap((topic) => {
    const pattern = parseTopicPattern(topic)
    return 'problem' in pattern ? [] : [pattern]
  })
  const patterns = parsed.filter((pattern) => !pattern.exact)
  return {
    exact: new Set(parsed.filter((pattern) => pattern.exact).map((pattern) => pattern.text)),
    hasPatterns: patterns.length > 0,
    matchesPattern: (topic) => patterns.some((pattern) => matchesPattern(pattern, topic)),
  }
}
