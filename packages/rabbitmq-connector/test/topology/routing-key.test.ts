import { matchesPattern, parseTopicPattern } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindingKey, patternsMeet } from '../../src/topology/routing-key.ts'

const segment = fc.constantFrom('a', 'b', '*', '#', '')
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([parts, rest]) => [...parts, ...(rest ? ['>'] : [])].join('.'))
  .filter((text) => text !== '')

/** Every topic of at most five segments of two letters, the empty word and a stranger. */
const topics = ((): readonly string[] => {
  let level: readonly string[][] = [[]]
  const all: string[] = ['']
  for (let length = 1; length <= 5; length += 1) {
    level = level.flatMap((parts) => ['a', 'b', '', 'c'].map((part) => [...parts, part]))
    all.push(...level.map((parts) => parts.join('.')))
  }
  return all
})()

const matcher = (text: string): ((topic: string) => boolean) => {
  const parsed = parseTopicPattern(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return (topic) => matchesPattern(parsed, topic)
}

/** As RabbitMQ's topic exchange matches (rabbit_exchange_type_topic), by the book. */
const brokerMatches = (key: readonly string[], words: readonly string[]): boolean => {
  const [first, ...rest] = key
  if (first === undefined) return words.length === 0
  if (first === '#') return brokerMatches(rest, words) || (words.length > 0 && brokerMatches(key, words.slice(1)))
  return words.length > 0 && (first === '*' || first === words[0]) && brokerMatches(rest, words.slice(1))
}

const split = (text: string): readonly string[] => (text === '' ? [] : text.split('.'))

describe('a routing key', () => {
  it('of a topic exchange lets through what the pattern matches, and nothing else', () => {
    fc.assert(
      fc.property(pattern, fc.constantFrom(...topics), (text, topic) => {
        const key = bindingKey(text, 'topic')
        expect('key' in key && brokerMatches(split(key.key), split(topic))).toBe(matcher(text)(topic))
      }),
      { numRuns: 1000 },
    )
    expect(bindingKey('a.>', 'topic')).toEqual({ key: 'a.*.#' })
    expect(bindingKey('>', 'topic')).toEqual({ key: '*.#' })
  })

  it('has no wildcards on other exchanges, and at most 255 bytes', () => {
    expect(bindingKey('a.*', 'direct')).toHaveProperty('problem')
    expect(bindingKey('a.b', 'direct')).toEqual({ key: 'a.b' })
    expect(bindingKey('é'.repeat(128), 'topic')).toHaveProperty('problem')
    expect(bindingKey(`${'a'.repeat(253)}.>`, 'topic')).toHaveProperty('problem')
  })
})

describe('two patterns meet', () => {
  it('exactly if some topic matches both', () => {
    // No empty words: two patterns may have the one empty word in common, which no topic is, and `patternsMeet` may say so.
    const word = fc.constantFrom('a', 'b', '*', '#')
    // Each of at most two segments: if they have a topic in common they have one of at most four, which is among `topics`.
    const short = fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 2 }).map((parts) => parts.join('.')),
      word.map((part) => `${part}.>`),
    )
    fc.assert(
      fc.property(short, short, (left, right) => {
        const [one, other] = [matcher(left), matcher(right)]
        expect(patternsMeet(left, right)).toBe(topics.some((topic) => one(topic) && other(topic)))
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.#', 'a', true],
    ['a.>', 'a', false],
    ['*.b', 'a.*', true],
    ['a.#.z', 'a.z', true],
    ['a.*', 'a.b.c', false],
    ['#.x', 'y.#', true],
    ['#.x.*', '*.y', true],
    ['#.x', '*.y', false],
    ['#', '>', true],
  ])('%s and %s: %s', (left, right, meets) => {
    expect(patternsMeet(left, right)).toBe(meets)
  })
})
