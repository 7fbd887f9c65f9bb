import type { TopicMap } from '@millrace/sdk'

/** A dead-letter topic by its name, as connectors and people call them. */
const deadLetterName = /(?:^|[._-])(?:dlq|dlt|dead-?letters?)(?:[._-]|$)/i

/** One thing about topics that is probably, or surely, a mistake. */
export interface TopicWarning {
  readonly code: 'near-miss' | 'dead-letter-loop'
  readonly sure: boolean
  readonly function: string
  readonly reason: string
}

/** Topics of different functions that differ in upper and lower case or in blanks only. Each pair is told once. */
const nearMisses = (map: TopicMap): TopicWarning[] => {
  const found = new Map<string, TopicWarning>()
  for (const topic of map.exactTopics().slice(0, 2000)) {
    const { matches, nearMisses: near } = map.explain(topic)
    for (const { function: name, code } of near) {
      if (code !== 'case' && code !== 'blank') continue
      const key = [name, ...matches.map((match) => match.function)].toSorted().join('\n')
      const others = matches.map((match) => match.function).join(', ')
      const difference = code === 'case' ? 'upper and lower case' : 'blanks or invisible characters'
      const reason = `it does not get ${JSON.stringify(topic)}, which ${others} gets: its own topic differs in ${difference} only`
      if (!found.has(key)) found.set(key, { code: 'near-miss', sure: false, function: name, reason })
    }
  }
  return [...found.values()]
}

/** Wildcards that also match a dead-letter topic: each letter would come back as an event (T45). */
const deadLetterLoops = (map: TopicMap, named: readonly string[]): TopicWarning[] => {
  const guessed = map.exactTopics().filter((topic) => deadLetterName.test(topic) && !named.includes(topic))
  return [...named, ...guessed].flatMap((topic) =>
    map
      .explain(topic)
      .matches.filter(({ via }) => via !== topic)
      .map(({ function: name, via }): TopicWarning => ({
        code: 'dead-letter-loop',
        sure: named.includes(topic),
        function: name,
        reason: `its topic ${JSON.stringify(via)} also matches ${JSON.stringify(topic)}, where dead letters go: what fails comes back as an event, for ever`,
      })),
  )
}

/** @param deadLetterTopics topics that are known to hold dead letters, besides those that are called so */
export const topicWarnings = (map: TopicMap, deadLetterTopics: readonly string[]): readonly TopicWarning[] => [
  ...nearMisses(map),
  ...deadLetterLoops(map, deadLetterTopics),
]
