import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MatchCache } from '../../../src/core/topics/match-cache.ts'

test('holds at most two generations of entries and forgets the ones not used', () => {
  const cache = new MatchCache<number>(10, 1000)
  for (let key = 0; key < 1000; key += 1) cache.set(String(key), [key])
  expect(cache.size).toBeLessThanOrEqual(20)
  expect(cache.get('999')).toEqual([999])
  expect(cache.get('0')).toBeUndefined()
})

test('what is asked for stays', () => {
  const cache = new MatchCache<number>(10, 1000)
  cache.set('kept', [7])
  for (let key = 0; key < 1000; key += 1) {
    cache.set(String(key), [key])
    expect(cache.get('kept')).toEqual([7])
  }
})

test('is bounded in the results that it holds, and takes none that is too long by itself', () => {
  const cache = new MatchCache<number>(1000, 100)
  cache.set(
    'long',
    Array.from({ length: 100 }, () => 1),
  )
  expect(cache.get('long')).toBeUndefined()
  for (let key = 0; key < 100; key += 1)
    cache.set(
      String(key),
      Array.from({ length: 49 }, () => key),
    )
  expect(cache.size).toBeLessThanOrEqual(4)
})

test('never gives a value that was not set for the key', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.boolean())), (steps) => {
      const cache = new MatchCache<number>(5, 20)
      for (const [key, isSet] of steps) {
        if (isSet) cache.set(String(key), [key])
        else expect(cache.get(String(key)) ?? [key]).toEqual([key])
      }
    }),
  )
})
