import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupTopics, resolveTopics } from '../../src/topics/resolve-topics.ts'
import { selectTopics } from '../../src/topics/topic-pattern.ts'

describe('the topics to consume', () => {
  it('are exact names as they are, and patterns over what exists', () => {
    expect(resolveTopics(['a.b', 'x.#'], ['x.1', 'x.1.2', 'y', 'x'], { exclude: [] })).toEqual(['a.b', 'x', 'x.1', 'x.1.2'])
  })

  it('are never internal, excluded or illegal', () => {
    const wanted = ['#', '__consumer_offsets', 'bad/name', '..', 'a'.repeat(250), '__proto__']
    expect(resolveTopics(wanted, ['__consumer_offsets', 'ok', 'audit.x'], { exclude: ['audit.*'] })).toEqual(['ok'])
  })

  it('hold dead letters only by their exact name', () => {
    const rules = { exclude: [], deadLetterTopic: '{topic}.dlq' }
    expect(resolveTopics(['#'], ['a', 'a.dlq', 'a-dlq'], rules)).toEqual(['a', 'a-dlq'])
    expect(resolveTopics(['a.dlq'], ['a', 'a.dlq'], rules)).toEqual(['a.dlq'])
  })

  it('go into the groups that the template says', () => {
    const topics = new Map([
      ['a', 1],
      ['$&', 2],
    ])
    expect([...groupTopics('g', topics)]).toEqual([['g', topics]])
    expect([...groupTopics('g_{topic}', topics).keys()]).toEqual(['g_a', 'g_$&'])
  })
})

describe('patterns', () => {
  const segment = fc.constantFrom('a', 'b', '*', '#')
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 5 }), fc.boolean())
    .map(([parts, rest]) => [...parts, ...(rest ? ['>'] : [])].join('.'))
  const topic = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.'))

  it('match as the annotations of all connectors do', () => {
    fc.assert(
      fc.property(pattern, topic, (wanted, name) => {
        const selection = selectTopics([wanted])
        const matched = selection.exact.has(name) || selection.matchesPattern(name)
        expect(matched).toBe(slow(wanted.split('.'), name.split('.')))
      }),
      { numRuns: 500 },
    )
  })
})

/** By the book, without a thought for speed. */
const slow = (pattern: readonly string[], name: readonly string[]): boolean => {
  const [first, ...rest] = pattern
  if (first === undefined) return name.length === 0
  if (first === '#') return slow(rest, name) || (name.length > 0 && slow(pattern, name.slice(1)))
  if (first === '>') return name.length > 0
  return name.length > 0 && (first === '*' || first === name[0]) && slow(rest, name.slice(1))
}
