/** Segments by `.`; `*` is one, `#` zero or more anywhere, `>` one or more at the end. */
const isWild = (topic: string): boolean => topic.split('.').some((part) => part === '*' || part === '#' || part === '>')

/** One row of places of the pattern that are open after each segment: O(segments of both), whatever the pattern. */
const matches = (pattern: readonly string[], topic: readonly string[]): boolean => {
  let open = new Set<number>()
  const enter = (places: Set<number>, place: number): void => {
    for (let at = place; ; at += 1) {
      places.add(at)
      if (pattern[at] !== '#') return
    }
  }
  enter(open, 0)
  for (const segment of topic) {
    const next = new Set<number>()
    for (const place of open) {
      const part = pattern[place]
      if (part === undefined) continue
      if (part === '#') enter(next, place)
      else if (part === '>') next.add(place).add(place + 1)
      else if (part === '*' || part === segment) enter(next, place + 1)
    }
    open = next
  }
  return open.has(pattern.length)
}

/** What names topics: exact ones and patterns, as in the `topic` annotation. */
export interface TopicSelection {
  readonly exact: ReadonlySet<string>
  readonly hasPatterns: boolean
  /** By a pattern; an exact name is not asked for here. */
  matchesPattern(topic: string): boolean
}

export const selectTopics = (topics: Iterable<string>): TopicSelection => {
  const all = new Set(topics)
  const exact = new Set([...all].filter((topic) => !isWild(topic)))
  const patterns = [...all].filter(isWild).map((topic) => topic.split('.'))
  return {
    exact,
    hasPatterns: patterns.length > 0,
    matchesPattern: (topic) => {
      const segments = topic.split('.')
      return patterns.some((pattern) => matches(pattern, segments))
    },
  }
}
