import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesPattern, parseTopicPattern } from '../../../src/core/topics/pattern.ts'
import type { TopicPattern } from '../../../src/core/topics/pattern.ts'
import { PatternTrie } from '../../../src/core/topics/pattern-trie.ts'
import { patternArbitrary, topicArbitrary } from './arbitraries.ts'
import { referenceMatches } from './reference-matcher.ts'
import { hostileText } from '../hostile-text.ts'

const parse = (text: string): TopicPattern => {
  const parsed = parseTopicPattern(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed
}

const problemOf = (text: string): string | undefined => {
  const parsed = parseTopicPattern(text)
  return 'problem' in parsed ? parsed.problem : undefined
}

describe('matching', () => {
  test.each([
    ['orders.created', 'orders.created', true],
    ['orders.created', 'Orders.created', false],
    ['orders.*', 'orders.created', true],
    ['orders.*', 'orders', false],
    ['orders.*', 'orders.eu.created', false],
    ['orders.*', 'orders.', true],
    ['*', 'orders', true],
    ['*', '', false],
    ['#', '', true],
    ['#', 'a.b.c', true],
    ['orders.#', 'orders', true],
    ['orders.#', 'orders.a.b', true],
    ['#.created', 'created', true],
    ['#.created', 'a.b.created', true],
    ['a.#.z', 'a.z', true],
    ['a.#.z', 'a.b.c.z', true],
    ['a.#.z', 'a.b.c', false],
    ['orders.>', 'orders', false],
    ['orders.>', 'orders.a', true],
    ['orders.>', 'orders.a.b', true],
    ['>', 'a', true],
    ['>', '', false],
    ['#.*', 'a', true],
    ['#.>', '', false],
    ['*.#.*', 'a', false],
    ['*.#.*', 'a.b', true],
  ])('%s against %j is %s', (pattern, topic, expected) => {
    expect(matchesPattern(parse(pattern), topic)).toBe(expected)
  })

  test('agrees with the literal rules', () => {
    fc.assert(
      fc.property(patternArbitrary, topicArbitrary, (pattern, topic) => {
        expect(matchesPattern(parse(pattern), topic)).toBe(referenceMatches(pattern, topic))
      }),
      { numRuns: 2000 },
    )
  })

  test('T36 text that a regular expression would act on is plain text', () => {
    for (const text of ['a+', '(a+)+$', '[a-z]*', '.*', 'a|b', '^a', '\\d']) {
      const parsed = parse(text)
      expect(matchesPattern(parsed, text)).toBe(true)
      expect(matchesPattern(parsed, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')).toBe(false)
    }
  })

  test('T36 many wildcards and a topic that almost matches end at once', () => {
    const pattern = parse('#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.b')
    const topic = `${'a.'.repeat(126)}c`
    const trie = new PatternTrie()
    for (let number = 0; number < 200; number += 1) trie.add(parse(`#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.b${number}`), number)
    const found = new Set<number>()
    trie.collect(topic, found)
    expect(found.size).toBe(0)
    expect(matchesPattern(pattern, topic)).toBe(false)
    expect(matchesPattern(pattern, `${'a.'.repeat(126)}b`)).toBe(true)
  })
})

describe('limits', () => {
  test('T40 a topic has 1 to 255 characters', () => {
    expect(problemOf('')).toContain('not empty')
    expect(problemOf('a'.repeat(255))).toBeUndefined()
    expect(problemOf('a'.repeat(256))).toContain('255')
    expect(matchesPattern(parse('#'), 'a'.repeat(256))).toBe(false)
  })

  test('`>` is the last segment, `#` comes at most 8 times, control characters never', () => {
    expect(problemOf('a.>.b')).toContain('last')
    expect(problemOf('#.a.#.a.#.a.#.a.#.a.#.a.#.a.#')).toBeUndefined()
    expect(problemOf('#.a.#.a.#.a.#.a.#.a.#.a.#.a.#.>')).toContain('at most 8')
    expect(problemOf('a\u0000b')).toContain('control')
  })

  test('a wildcard glued to text is text, with a hint', () => {
    const parsed = parse('orders-*')
    expect(parsed.exact).toBe(true)
    expect(parsed.hint).toContain('whole segment')
    expect(parse('orders.*').hint).toBeUndefined()
  })

  test('T40 never throws on arbitrary text', () => {
    fc.assert(
      fc.property(hostileText(600), hostileText(600), (text, topic) => {
        const parsed = parseTopicPattern(text)
        if (!('problem' in parsed)) matchesPattern(parsed, topic)
      }),
    )
  })
})
