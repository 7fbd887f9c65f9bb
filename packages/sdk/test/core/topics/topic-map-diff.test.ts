import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultPolicy } from '../../../src/core/function-policy.ts'
import { isUnchanged } from '../../../src/core/topics/function-diff.ts'
import { TopicMap } from '../../../src/core/topics/topic-map.ts'
import { buildMap, listed } from './listed.ts'

const keys = (list: readonly { readonly function: string }[]): readonly string[] => list.map((item) => item.function)

describe('diff', () => {
  test('without a previous map everything came', () => {
    const change = buildMap([listed('b'), listed('a')]).diff(undefined)
    expect(keys(change.added)).toEqual(['a.dev', 'b.dev'])
    expect(change.removed).toEqual([])
  })

  test('a new image, a new creation time and a changed annotation change a function; a new order of annotations does not', () => {
    const before = buildMap([listed('a', { topic: 't', x: '1' })])
    const changed = (after: TopicMap): number => after.diff(before).changed.length
    expect(changed(buildMap([listed('a', { topic: 't', x: '1' }, { image: 'registry/fn:2' })]))).toBe(1)
    expect(changed(buildMap([listed('a', { topic: 't', x: '1' }, { createdAt: '2025-01-01T00:00:00Z' })]))).toBe(1)
    expect(changed(buildMap([listed('a', { topic: 't', x: '2' })]))).toBe(1)
    expect(changed(buildMap([listed('a', { x: '1', topic: 't' })]))).toBe(0)
  })

  test('the policy has another revision after a deployment and after a changed annotation', () => {
    const revision = (map: TopicMap): string | undefined => map.get('a.dev')?.policy.revision
    const first = revision(buildMap([listed('a', { topic: 't' })]))
    expect(revision(buildMap([listed('a', { topic: 't' })]))).toBe(first)
    expect(revision(buildMap([listed('a', { topic: 'u' })]))).not.toBe(first)
    expect(revision(buildMap([listed('a', { topic: 't' }, { image: 'other' })]))).not.toBe(first)
  })

  test('leads from the one map to the other, whatever the maps', () => {
    const state = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.tuple(fc.constantFrom('t', 'u'), fc.constantFrom('i1', 'i2')))
    const build = (functions: Record<string, [string, string]>): TopicMap =>
      buildMap(Object.entries(functions).map(([name, [topic, image]]) => listed(name, { topic }, { image })))
    fc.assert(
      fc.property(state, state, (left, right) => {
        const before = build(left)
        const after = build(right)
        const { added, changed, removed } = after.diff(before)
        const patched = new Map(before.declarations())
        for (const item of removed) expect(patched.delete(item.function)).toBe(true)
        for (const item of added) {
          expect(patched.has(item.function)).toBe(false)
          patched.set(item.function, item)
        }
        for (const item of changed) {
          expect(patched.get(item.after.function)).toBe(item.before)
          expect(item.after).not.toEqual(item.before)
          patched.set(item.after.function, item.after)
        }
        expect(patched).toEqual(new Map(after.declarations()))
        expect(isUnchanged({ added, changed, removed })).toBe(isDeepStrictEqual({ ...left }, { ...right }))
      }),
    )
  })
})

describe('refresh', () => {
  const options = { defaults: defaultPolicy }

  test('takes over unchanged functions as they are and works out changed ones', () => {
    const before = TopicMap.build([listed('a', { topic: 't' }), listed('b', { topic: 't' })], options)
    const after = TopicMap.build([listed('a', { topic: 't' }), listed('b', { topic: 'u' }), listed('c', { topic: 't' })], options, before)
    expect(after.get('a.dev')).toBe(before.get('a.dev'))
    expect(after.get('b.dev')).not.toBe(before.get('b.dev'))
    expect(keys(after.match('t').map(({ policy }) => policy))).toEqual(['a.dev', 'c.dev'])
    expect(keys(before.match('t').map(({ policy }) => policy))).toEqual(['a.dev', 'b.dev'])
  })

  test('a function deployed again is not taken over', () => {
    const before = TopicMap.build([listed('a', { topic: 't' })], options)
    for (const more of [{ image: 'registry/fn:2' }, { createdAt: '2025-01-01T00:00:00Z' }]) {
      const after = TopicMap.build([listed('a', { topic: 't' }, more)], options, before)
      expect(after.diff(before).changed).toHaveLength(1)
      expect(after.get('a.dev')?.policy.revision).not.toBe(before.get('a.dev')?.policy.revision)
    }
  })

  test('takes nothing over when the options are others', () => {
    const before = TopicMap.build([listed('a')], options)
    const after = TopicMap.build([listed('a')], { defaults: { ...defaultPolicy, concurrency: 1 } }, before)
    expect(after.get('a.dev')?.policy.concurrency).toBe(1)
  })

  test('gives the same map as building from nothing', () => {
    const state = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('t', 't.*', 'a.>.b', 'u,#')), { maxLength: 4 })
    fc.assert(
      fc.property(state, state, (left, right) => {
        const list = (items: readonly (readonly [string, string])[]) => items.map(([name, topic]) => listed(name, { topic }))
        const refreshed = TopicMap.build(list(right), options, TopicMap.build(list(left), options))
        const fresh = TopicMap.build(list(right), options)
        expect(refreshed.functions).toEqual(fresh.functions)
        expect(refreshed.problems).toEqual(fresh.problems)
        for (const topic of ['t', 't.x', 'u', 'v']) expect(refreshed.match(topic)).toEqual(fresh.match(topic))
      }),
    )
  })
})
