import { expect, test } from 'vitest'
import fc from 'fast-check'
import { Deadlines } from '../../../src/ports/gateway/deadlines.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'

const entry = (log: number[], id: number) => ({ slot: 0, expired: () => void log.push(id) })

test('every deadline fires at its time or up to the resolution later, once, and none that was deleted', () => {
  const deadline = fc.record({ at: fc.nat(3000), ms: fc.nat(3000), deleted: fc.boolean() })
  const property = fc.property(fc.array(deadline, { maxLength: 30 }), (given) => {
    const clock = manualClock()
    const deadlines = new Deadlines(clock, 20)
    const fired = new Map<number, number>()
    const sorted = given.toSorted((a, b) => a.at - b.at)
    const entries = sorted.map(({ at, ms, deleted }, id) => {
      clock.advance(at - clock.monotonic())
      const own = { slot: 0, expired: () => void fired.set(id, (fired.has(id) ? Number.NaN : 0) + clock.monotonic()) }
      deadlines.add(own, clock.monotonic(), ms)
      if (deleted) deadlines.delete(own)
      return own
    })
    clock.advance(7000)
    for (const [id, { at, ms, deleted }] of sorted.entries()) {
      if (deleted) expect(fired.has(id)).toBe(false)
      else expect((fired.get(id) ?? -1) - (at + ms)).toBeGreaterThanOrEqual(0)
      if (!deleted) expect((fired.get(id) ?? Infinity) - (at + ms)).toBeLessThanOrEqual(40)
    }
    expect(entries).toHaveLength(given.length)
    expect(clock.pending).toBe(0)
    expect(deadlines.waiting()).toEqual([])
  })
  fc.assert(property)
})

test('no timer runs while nothing waits', () => {
  const clock = manualClock()
  const deadlines = new Deadlines(clock, 20)
  expect(clock.pending).toBe(0)
  const log: number[] = []
  const own = entry(log, 1)
  deadlines.add(own, clock.monotonic(), 100)
  deadlines.delete(own)
  clock.advance(20)
  expect(clock.pending).toBe(0)
  deadlines.add(entry(log, 2), clock.monotonic(), 100)
  clock.advance(140)
  expect(log).toEqual([2])
})

test('after a long stall everything that is due fires in its order', () => {
  let now = 0
  const timers: (() => void)[] = []
  const clock = { now: () => now, monotonic: () => now, after: (_ms: number, run: () => void) => (timers.push(run), { cancel() {} }) }
  const deadlines = new Deadlines(clock, 20)
  const log: number[] = []
  for (const [id, ms] of [
    [1, 5000],
    [2, 100],
    [3, 9_000_000],
  ] as const)
    deadlines.add(entry(log, id), now, ms)
  now = 3_600_000
  timers.shift()?.()
  expect(log).toEqual([2, 1])
})
