import { describe, expect, test } from 'vitest'
import { boundAnnotations } from '../../../src/core/annotations/bound-annotations.ts'
import { ProblemList } from '../../../src/core/annotations/problem-list.ts'
import { defaultTopicMapLimits } from '../../../src/core/topics/map-limits.ts'

const bound = (
  annotations: ReadonlyMap<string, string>,
): { readonly kept: ReadonlyMap<string, string>; readonly problems: readonly string[] } => {
  const problems = new ProblemList('fn', 20)
  const kept = boundAnnotations(annotations, defaultTopicMapLimits, problems)
  return { kept, problems: problems.toArray().map(({ annotation }) => annotation) }
}

describe('T40 annotations are bounded', () => {
  test('within the limits they are kept as they are', () => {
    const annotations = new Map([
      ['topic', 't'],
      ['a', 'x'.repeat(65_536)],
    ])
    expect(bound(annotations)).toEqual({ kept: annotations, problems: [] })
  })

  test('one value that is too long is left out by itself, and reported only if it is ours', () => {
    const long = 'x'.repeat(65_537)
    const { kept, problems } = bound(
      new Map([
        ['kubectl.kubernetes.io/last-applied-configuration', long],
        ['com.openfaas.connector.payload', long],
        ['topic', 't'],
      ]),
    )
    expect([...kept.keys()]).toEqual(['topic'])
    expect(problems).toEqual(['com.openfaas.connector.payload'])
  })

  test('a name that is too long is left out', () => {
    expect([
      ...bound(
        new Map([
          ['n'.repeat(321), 'x'],
          ['n'.repeat(320), 'x'],
        ]),
      ).kept.keys(),
    ]).toEqual(['n'.repeat(320)])
  })

  test('of too many, or too much in all, ours are kept before the others', () => {
    const many = new Map<string, string>(Array.from({ length: 1000 }, (_, n) => [`x${n}`, 'v'] as const)).set('topic', 't')
    const some = bound(many)
    expect(some.kept.size).toBe(256)
    expect(some.kept.get('topic')).toBe('t')
    const much = new Map<string, string>(Array.from({ length: 10 }, (_, n) => [`x${n}`, 'v'.repeat(60_000)] as const)).set('topic', 't')
    expect([...bound(much).kept.keys()]).toEqual(['topic', 'x0', 'x1', 'x2', 'x3'])
  })
})
