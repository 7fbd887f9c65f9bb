import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/problem.ts'
import { cloudEventId, readIdempotencyKey } from '../../src/request/event-id.ts'
import { readTarget } from '../../src/request/target.ts'
import { readTopic } from '../../src/request/topic.ts'
import { readWait } from '../../src/request/wait.ts'

describe('topic', () => {
  test('any printable topic comes through percent-encoding, and is one segment', () => {
    const topics = fc
      .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
      .filter((t) => t.trim() === t && !/[\p{Cc}\u2028\u2029]/u.test(t))
    fc.assert(
      fc.property(topics, (topic) => {
        const target = readTarget(`/topics/${encodeURIComponent(topic)}?wait=true`)
        if (target.kind !== 'topic') throw new Error(target.kind)
        expect(readTopic(target.segment, 255)).toBe(topic)
        expect(target.query).toBe('wait=true')
      }),
    )
  })

  test('whatever stands in the path, it is a topic or a Problem', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (segment) => {
        try {
          expect(readTopic(segment, 255)).not.toMatch(/\p{Cc}/u)
        } catch (error) {
          expect(error).toBeInstanceOf(Problem)
        }
      }),
    )
  })

  test.each(['', '%00', 'a%0Ab', '%7F', '%C2%85', '%E2%80%A8', '%zz', '%C0%A0', '%20a', 'a%20', 'x'.repeat(256)])(
    'refuses %j',
    (segment) => {
      expect(() => readTopic(segment, 255)).toThrow(Problem)
    },
  )

  test('255 characters are allowed, whatever they cost in UTF-8', () => {
    for (const topic of ['x'.repeat(255), '€'.repeat(255), '%2F..%2F'.repeat(51)]) {
      const target = readTarget(`/topics/${encodeURIComponent(decodeURIComponent(topic))}`)
      expect(target.kind === 'topic' && readTopic(target.segment, 255)).toBe(decodeURIComponent(topic))
    }
  })

  test('the absolute form of a URL is understood, dots are no paths', () => {
    expect(readTarget('http://h:1/topics/a?x')).toEqual({ kind: 'topic', segment: 'a', query: 'x' })
    expect(readTarget('/topics/../healthz')).toEqual({ kind: 'unknown' })
    expect(readTarget('/topics/%2e%2e')).toEqual({ kind: 'topic', segment: '%2e%2e', query: '' })
    expect(readTarget('/healthz?x=1')).toEqual({ kind: 'health' })
    for (const target of ['*', '', '/', '/topics', '/topics/a/b', '/topics/a/', '//topics/a'])
      expect(readTarget(target).kind).toBe('unknown')
    expect(() => readTarget(`/topics/${'a'.repeat(5000)}`)).toThrow(/4096/)
  })
})

describe('wait', () => {
  test.each([
    ['', undefined],
    ['wait=false', undefined],
    ['wait=true', 120_000],
    ['wait=30s', 30_000],
    ['wait=1m30s', 90_000],
    ['wait=120s', 120_000],
  ])('%j is %j', (query, ms) => {
    expect(readWait(query, 120_000)).toBe(ms)
  })

  test.each([
    'wait',
    'wait=',
    'wait=0s',
    'wait=-1s',
    'wait=30',
    'wait=121s',
    'wait=yes',
    'wiat=true',
    'wait=true&wait=30s',
    'wait=true&x=1',
    '__proto__=1',
  ])('refuses %j', (query) => {
    expect(() => readWait(query, 120_000)).toThrow(Problem)
  })
})

describe('id', () => {
  test.each([
    ['abc', 'abc'],
    ['"8e03978e-40d5"', '8e03978e-40d5'],
    ['"a \\"b\\" \\\\"', 'a "b" \\'],
    ['"half', '"half'],
  ])('Idempotency-Key %j is %j', (header, key) => {
    expect(readIdempotencyKey(header)).toBe(key)
  })

  test.each(['', '""', ' a', 'é', 'x'.repeat(256)])('refuses %j', (header) => {
    expect(() => readIdempotencyKey(header)).toThrow(Problem)
  })

  test('different CloudEvents have different ids', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '/', '|', '#') })
    fc.assert(
      fc.property(part, part, part, part, (source, id, otherSource, otherId) => {
        // A source with a bar never comes so far.
        fc.pre(!source.includes('|') && !otherSource.includes('|'))
        expect(cloudEventId(source, id) === cloudEventId(otherSource, otherId)).toBe(source === otherSource && id === otherId)
      }),
    )
  })
})
