import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../src/testing/manual-clock.ts'

describe('manualClock', () => {
  it('runs due timers in order, each at its own moment', () => {
    const clock = manualClock(1000)
    const seen: (readonly [string, number, number])[] = []
    const note = (name: string) => (): void => void seen.push([name, clock.monotonic(), clock.now()])
    clock.after(20, note('late'))
    clock.after(10, note('a'))
    clock.after(10, note('b'))
    clock.after(31, note('beyond'))
    clock.advance(30)
    expect(seen).toEqual([
      ['a', 10, 1010],
      ['b', 10, 1010],
      ['late', 20, 1020],
    ])
    expect([clock.monotonic(), clock.pending, clock.untilNext]).toEqual([30, 1, 1])
  })

  it('runs timers that a timer starts, if they fall due', () => {
    const clock = manualClock()
    const moments: number[] = []
    const tick = (): void => {
      moments.push(clock.monotonic())
      clock.after(10, tick)
    }
    clock.after(10, tick)
    clock.advance(35)
    expect(moments).toEqual([10, 20, 30])
  })

  it('does not run a cancelled timer, and counts it once', () => {
    const clock = manualClock()
    let ran = 0
    const timer = clock.after(5, () => ran++)
    timer.cancel()
    timer.cancel()
    expect(clock.pending).toBe(0)
    clock.advance(10)
    const other = clock.after(5, () => ran++)
    clock.advance(5)
    other.cancel()
    expect([ran, clock.pending]).toEqual([1, 0])
  })

  it('steps the wall clock alone', () => {
    const clock = manualClock(10_000)
    let ran = false
    clock.after(100, () => (ran = true))
    clock.stepWall(-5000)
    expect([clock.now(), clock.monotonic(), ran]).toEqual([5000, 0, false])
    clock.advance(100)
    expect([clock.now(), ran]).toEqual([5100, true])
  })

  it('advanceAsync lets promises run between timers, and their timers too', async () => {
    const clock = manualClock()
    const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))
    const moments: number[] = []
    const loop = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await wait(10)
        moments.push(clock.monotonic())
      }
    }
    const done = loop()
    await clock.advanceAsync(100)
    await done
    expect([moments, clock.monotonic()]).toEqual([[10, 20, 30], 100])
  })

  it('refuses to go back, to be moved by a timer, and to spin for ever', () => {
    const clock = manualClock()
    expect(() => clock.advance(-1)).toThrow('stepWall')
    expect(() => clock.advance(Number.NaN)).toThrow('cannot advance')
    clock.after(1, () => clock.advance(1))
    expect(() => clock.advance(1)).toThrow('within a timer')
    const again = (): void => void clock.after(0, again)
    again()
    expect(() => clock.advance(1)).toThrow('without a wait')
  })

  it('runs any set of timers sorted by moment and creation', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 200 }), (plan) => {
        const clock = manualClock()
        const ran: number[] = []
        const timers = plan.map(([ms], i) => clock.after(ms, () => ran.push(i)))
        for (const [i, [, cancel]] of plan.entries()) if (cancel) timers[i]?.cancel()
        clock.advance(50)
        const expected = [...plan.keys()]
          .filter((i) => !plan[i]?.[1])
          .toSorted((a, b) => (plan[a]?.[0] ?? 0) - (plan[b]?.[0] ?? 0) || a - b)
        expect(ran).toEqual(expected)
        expect(clock.pending).toBe(0)
      }),
    )
  })
})
