import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildMap, listed, matchKeys } from './listed.ts'
import { hostileText } from '../hostile-text.ts'

describe('hostile lists', () => {
  test.each(['../system/secrets', 'a/b', 'a?x', '//evil', 'fn.kube-system', 'x'.repeat(300)])(
    'T34 T35 the name %j is reported and never in the map, the others are',
    (name) => {
      const map = buildMap([listed(name, { topic: 't' }), listed('good', { topic: 't' })])
      expect(matchKeys(map, 't')).toEqual(['good.dev'])
      expect(map.problems).toHaveLength(1)
      expect(map.problems[0]?.annotation).toBe('name')
      expect(map.ignored[0]?.code).toBe('bad-annotation')
    },
  )

  test('T34 a bad namespace is reported', () => {
    const map = buildMap([listed('a', { topic: 't' }, { namespace: '../x' })])
    expect(map.functions).toEqual([])
    expect(map.problems[0]).toMatchObject({ function: 'a', annotation: 'namespace' })
  })

  test('T35 only watched namespaces are in the map', () => {
    const functions = ['dev', 'prod', 'kube-system'].map((namespace) => listed('a', { topic: 't' }, { namespace }))
    expect(matchKeys(buildMap(functions, { namespaces: { deny: ['kube-system'] } }), 't')).toEqual(['a.dev', 'a.prod'])
    expect(matchKeys(buildMap(functions, { namespaces: { allow: ['prod', 'kube-system'], deny: ['kube-system'] } }), 't')).toEqual([
      'a.prod',
    ])
    const { namespace: _, ...bare } = listed('b', { topic: 't' })
    expect(matchKeys(buildMap([bare], { namespaces: { allow: ['dev'] } }), 't')).toEqual([])
  })

  test('a function listed twice counts once, the first, and is reported', () => {
    const map = buildMap([listed('a', { topic: 't' }), listed('a', { topic: 'u' })])
    expect(matchKeys(map, 't')).toEqual(['a.dev'])
    expect(matchKeys(map, 'u')).toEqual([])
    expect(map.problems[0]?.reason).toContain('more than once')
  })

  test('T40 an annotation of 1 MB gives no topics, is reported and is not kept', () => {
    const map = buildMap([
      listed('big', { topic: `t,${'x'.repeat(1_000_000)}`, [`com.openfaas.connector.filter`]: 'y'.repeat(1_000_000) }),
      listed('a', { topic: 't' }),
    ])
    expect(matchKeys(map, 't')).toEqual(['a.dev'])
    expect(map.get('big.dev')?.declaration.annotations.size).toBe(0)
    expect(map.problems.map(({ annotation }) => annotation)).toEqual(['topic', 'com.openfaas.connector.filter'])
  })

  test('T40 of 10,000 topics the first 256 count', () => {
    const map = buildMap([
      listed('many', {
        topic: Array.from({ length: 10_000 }, (_, n) => `t${n}`)
          .join(',')
          .slice(0, 16_000),
      }),
    ])
    expect(map.get('many.dev')?.declaration.topics).toHaveLength(256)
    expect(matchKeys(map, 't255')).toEqual(['many.dev'])
    expect(matchKeys(map, 't256')).toEqual([])
    expect(map.problems[0]?.reason).toContain('first 256')
  })

  test('T40 `*`, empty and blank annotations', () => {
    const map = buildMap([listed('star', { topic: '*' }), listed('empty', { topic: '' }), listed('blank', { topic: ' , \t,' })])
    expect(matchKeys(map, 'anything')).toEqual(['star.dev'])
    expect(matchKeys(map, 'two.segments')).toEqual([])
    expect(map.functions).toHaveLength(3)
    expect(map.problems).toEqual([])
  })

  test('T40 problems are bounded per function and in all, and counted on', () => {
    const bad = Array.from({ length: 200 }, (_, n) => `a.>.b${n}`).join(',')
    const map = buildMap(
      Array.from({ length: 30 }, (_, n) => listed(`f${n}`, { topic: bad })),
      { limits: { problemsPerFunction: 5, problems: 12 } },
    )
    expect(map.problems).toHaveLength(12)
    expect(map.problemCount).toBe(150)
    expect(map.problems[4]?.reason).toContain('and 195 more')
  })

  test('T40 ignored functions are bounded and counted on', () => {
    const map = buildMap(
      Array.from({ length: 30 }, (_, n) => listed(`f${n}`)),
      { namespaces: { deny: ['dev'] }, limits: { ignored: 4 } },
    )
    expect(map.ignored).toHaveLength(4)
    expect(map.ignoredCount).toBe(30)
  })

  test('T40 T42 no list makes it throw, and every problem is bounded and on one line', () => {
    const text = hostileText(80)
    const name = fc.oneof(
      text,
      fc.constantFrom('topic', 'order', 'filter', 'rate').map((word) => (word === 'topic' ? word : `com.openfaas.connector.${word}`)),
    )
    const item = fc.record({
      name: fc.oneof(text, fc.constantFrom('a', 'b')),
      namespace: fc.oneof(text, fc.constantFrom('dev', '')),
      annotations: fc.array(fc.tuple(name, text), { maxLength: 6 }).map((pairs) => new Map(pairs)),
      image: text,
    })
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), text, (functions, topic) => {
        const map = buildMap(functions)
        map.match(topic)
        map.explain(topic)
        for (const problem of map.problems) {
          expect(problem.reason.length).toBeLessThanOrEqual(300)
          expect(Object.values(problem).join('')).not.toMatch(/[\p{Cc}\u2028]/u)
        }
      }),
      { numRuns: 300 },
    )
  })
})
