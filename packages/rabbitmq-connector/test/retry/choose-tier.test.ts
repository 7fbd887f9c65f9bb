import fc from 'fast-check'
import { expect, it } from 'vitest'
import { chooseTier } from '../../src/retry/choose-tier.ts'

const tiers = [5000, 30_000, 300_000, 1_800_000].map((delayMs) => ({ delayMs, queue: `q.${delayMs}` }))

it.each([
  [0, undefined],
  [4999, undefined],
  [5000, 5000],
  [5001, 30_000],
  [60_000, 300_000],
  [1_800_000, 1_800_000],
  [86_400_000, 1_800_000],
])('a wait of %i ms goes to the delay queue of %s ms', (waitMs, delayMs) => {
  expect(chooseTier(tiers, waitMs)?.delayMs).toBe(delayMs)
})

it('without delay queues stays in process', () => {
  expect(chooseTier([], 60_000)).toBeUndefined()
})

it('a longer wait is never given a shorter delay, and none shorter than it is while there is one (property)', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000_000), { maxLength: 6 }), fc.nat(2_000_000), fc.nat(2_000_000), (delays, a, b) => {
      const own = delays.toSorted((x, y) => x - y).map((delayMs) => ({ delayMs, queue: `q.${delayMs}` }))
      const [short, long] = [Math.min(a, b), Math.max(a, b)].map((wait) => chooseTier(own, wait)?.delayMs ?? -1) as [number, number]
      expect(long).toBeGreaterThanOrEqual(short)
      if (short >= 0) expect(short).toBeGreaterThanOrEqual(Math.min(Math.min(a, b), own.at(-1)?.delayMs ?? 0))
    }),
  )
})
