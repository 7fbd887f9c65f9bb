import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { patternArbitrary, topicArbitrary } from './arbitraries.ts'
import { buildMap, listed, matchKeys } from './listed.ts'
import { referenceMatches } from './reference-matcher.ts'

describe('match', () => {
  test('one topic to several functions, one function to several topics, in the order of keys', () => {
    const map = buildMap([listed('b', { topic: 'orders, payments' }), listed('a', { topic: 'orders' }), listed('c', { topic: 'payments' })])
    expect(matchKeys(map, 'orders')).toEqual(['a.dev', 'b.dev'])
    expect(matchKeys(map, 'payments')).toEqual(['b.dev', 'c.dev'])
    expect(matchKeys(map, 'Orders')).toEqual([])
  })

  test('items are trimmed, empty ones dropped, repeats count once', () => {
    const map = buildMap([listed('a', { topic: ' t1 ,, t2,\tt1\n, ' })])
    expect(map.get('a.dev')?.declaration.topics).toEqual(['t1', 't2'])
    expect(map.problems).toEqual([])
  })

  test('a function that matches in several ways is there once', () => {
    const map = buildMap([listed('a', { topic: 'orders.created, orders.*, #, orders.>, *.created' })])
    expect(matchKeys(map, 'orders.created')).toEqual(['a.dev'])
  })

  test('a function without namespace is called by its bare name', () => {
    const { namespace: _, ...bare } = listed('a', { topic: 't' })
    expect(matchKeys(buildMap([bare]), 't')).toEqual(['a'])
    expect(matchKeys(buildMap([{ ...bare, namespace: '' }]), 't')).toEqual(['a'])
  })

  test('T31 topics and annotations named like parts of Object are like any other', () => {
    const map = buildMap([listed('constructor', { topic: '__proto__, toString' })])
    expect(matchKeys(map, '__proto__')).toEqual(['constructor.dev'])
    expect(matchKeys(map, 'constructor')).toEqual([])
    expect(map.get('__proto__')).toBeUndefined()
    expect(({} as Record<string, unknown>)['topic']).toBeUndefined()
  })

  test('exact topics and patterns are listed once each, sorted', () => {
    const map = buildMap([listed('a', { topic: 'z, b, x.*' }), listed('b', { topic: 'b, a.#, x.*' })])
    expect(map.exactTopics()).toEqual(['b', 'z'])
    expect(map.patterns()).toEqual(['a.#', 'x.*'])
  })

  test('is what looking at every function gives, the second time too', () => {
    const functions = fc.array(fc.array(fc.oneof(topicArbitrary, patternArbitrary), { maxLength: 4 }), { maxLength: 12 })
    fc.assert(
      fc.property(functions, fc.array(topicArbitrary, { minLength: 1, maxLength: 8 }), (topicLists, topics) => {
        const map = buildMap(topicLists.map((list, number) => listed(`f${number}`, { topic: list.join(',') })))
        for (const topic of [...topics, ...topics]) {
          const expected = topicLists.flatMap((list, number) =>
            list.some((item) => item !== '' && referenceMatches(item, topic)) ? [`f${number}.dev`] : [],
          )
          expect(matchKeys(map, topic)).toEqual(expected.toSorted())
        }
      }),
      { numRuns: 500 },
    )
  })
})
