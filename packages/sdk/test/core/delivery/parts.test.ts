import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Breaker } from '../../../src/core/delivery/breaker.ts'
import { DueHeap, type Due } from '../../../src/core/delivery/due-heap.ts'
import { Intake } from '../../../src/core/delivery/intake.ts'
import { SharedFaults } from '../../../src/core/delivery/shared-faults.ts'
import { TokenBucket } from '../../../src/core/delivery/token-bucket.ts'

describe('DueHeap', () => {
  test('gives what is due in order, whatever was pushed and removed; the first pushed first among equals', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.nat(1000).map((n) => n - (n % 100)),
            fc.boolean(),
          ),
        ),
        (given) => {
          const heap = new DueHeap<Due & { pushed: number }>()
          const items = given.map(([dueAt, keep], pushed) => ({ dueAt, heapIndex: -1, heapOrder: 0, keep, pushed }))
          for (const item of items) heap.push(item)
          for (const item of items) if (!item.keep) heap.remove(item)
          for (const item of items) if (!item.keep) heap.remove(item)
          const popped: { dueAt: number; pushed: number }[] = []
          for (let item = heap.popDue(500); item !== undefined; item = heap.popDue(500)) popped.push(item)
          const kept = items.filter((item) => item.keep).toSorted((a, b) => a.dueAt - b.dueAt || a.pushed - b.pushed)
          const left = kept.filter(({ dueAt }) => dueAt > 500)
          expect(popped.map(({ pushed }) => pushed)).toEqual(kept.filter(({ dueAt }) => dueAt <= 500).map(({ pushed }) => pushed))
          expect([heap.size, heap.nextAt]).toEqual([left.length, left[0]?.dueAt])
        },
      ),
    )
  })
})

describe('TokenBucket', () => {
  test('never gives more than the rate and its burst, and is ready when it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.array(fc.nat(50), { minLength: 1, maxLength: 200 }), (rate, steps) => {
        const bucket = new TokenBucket(rate, 0)
        let [now, taken] = [0, 0]
        for (const step of steps) {
          now += step
          while (bucket.take(now)) taken += 1
          expect(taken).toBeLessThanOrEqual((now * rate) / 1000 + Math.max(1, rate / 10) + 0.001)
          const readyAt = bucket.readyAt(now)
          expect(readyAt).toBeGreaterThan(now)
          expect(new TokenBucket(rate, 0).take(readyAt)).toBe(true)
        }
        expect(bucket.take(bucket.readyAt(now))).toBe(true)
      }),
    )
  })
})

describe('Breaker', () => {
  const make = (): Breaker => new Breaker({ threshold: 5, openMs: 1_000 })

  test('P3: half of the last twenty, at least five distinct, open it; nine of twenty do not', () => {
    const nine = make()
    for (let n = 0; n < 200; n += 1) {
      if (n % 20 < 9) nine.failure(`${n % 20 === 4 ? 'x' : n}`, false, n)
      else nine.success(false)
      if (n % 20 === 3) nine.success(false)
    }
    expect(nine.state).toBe('closed')
    const half = make()
    for (let n = 0; n < 20 && half.state === 'closed'; n += 1) {
      if (n % 2 === 0) half.failure(`${n}`, false, n)
      else half.success(false)
    }
    expect(half.state).toBe('open')
  })

  test('one probe at a time; a failed one opens it again, a success closes it, a silent one lets the next through', () => {
    const breaker = make()
    breaker.trip(0, 'planted')
    expect(breaker.admits(999)).toBe(false)
    expect(breaker.admits(1_000)).toBe(true)
    expect(breaker.enter()).toBe(true)
    expect(breaker.admits(1_000)).toBe(false)
    breaker.neutral(true)
    expect(breaker.admits(1_000)).toBe(true)
    breaker.enter()
    breaker.failure('e', true, 1_000)
    expect([breaker.state, breaker.openUntil]).toEqual(['open', 2_000])
    expect(breaker.failingSince).toBe(0)
    breaker.admits(2_000)
    breaker.enter()
    breaker.success(true)
    expect([breaker.state, breaker.failingSince, breaker.admits(2_000)]).toEqual(['closed', undefined, true])
  })

  test('a hint lets the probe through at once', () => {
    const breaker = make()
    breaker.trip(0, 'planted')
    breaker.hint(10)
    expect(breaker.admits(10)).toBe(true)
  })
})

describe('SharedFaults', () => {
  test('three functions alike within a minute share a fault; two do not, nor three spread over more', () => {
    const faults = new SharedFaults()
    expect([faults.note('S4', 'a', 0), faults.note('S4', 'b', 0), faults.note('S4', 'a', 1)]).toEqual([false, false, false])
    expect(faults.note('S4', 'c', 60_000)).toBe(true)
    const spread = new SharedFaults()
    expect([spread.note('S4', 'a', 0), spread.note('S4', 'b', 50_000), spread.note('S4', 'c', 100_000)]).toEqual([false, false, false])
    faults.clear('a')
    faults.clear('b')
    expect(faults.note('S4', 'd', 60_001)).toBe(false)
  })

  test('is bounded, whatever the number of functions', () => {
    const faults = new SharedFaults()
    for (let n = 0; n < 10_000; n += 1) faults.note('S8', `f${n}`, 0)
    expect(faults.note('S8', 'last', 0)).toBe(true)
  })
})

describe('Intake', () => {
  test('the span reaches from the oldest unsettled event to the newest', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('enter' as const), fc.nat(1000))), (steps) => {
        const intake = new Intake('p0', false, { maxUnsettled: 1e9, maxSpan: 1e9 })
        const open: number[] = []
        let arrived = 0
        for (const step of steps) {
          if (step === 'enter') {
            open.push(intake.enter())
            arrived += 1
          } else if (open.length > 0) intake.leave(open.splice(step % open.length, 1)[0] ?? -1)
          expect(intake.unsettled).toBe(open.length)
          expect(intake.span).toBe(open.length === 0 ? 0 : arrived - Math.min(...open))
        }
      }),
    )
  })
})
