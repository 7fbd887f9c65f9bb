import { manualClock } from '@millrace/sdk/testing'
import type { Clock } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { Loop } from '../../src/loop.ts'
import { cronFunction, header, noon, rig } from './harness.ts'

const HOUR = 3_600_000

describe('T27 the clock is set', () => {
  it('back by 10 s: nothing twice', async () => {
    const { clock, pass, times } = await rig({ functions: [cronFunction('job', { schedule: '*/5 * * * * *' })] })
    await pass(20)
    clock.stepWall(-10_000)
    await pass(30)
    expect(times()).toEqual(['12:00:05', '12:00:10', '12:00:15', '12:00:20', '12:00:25', '12:00:30', '12:00:35', '12:00:40'])
  })

  it('back by an hour: each slot once, so it is silent until the hour is over', async () => {
    const { clock, pass, times } = await rig({ functions: [cronFunction('job', { schedule: '*/20 * * * *' })] })
    await pass(1201)
    clock.stepWall(-HOUR)
    await pass(3700 + 1200)
    expect(times()).toEqual(['12:20:00', '12:40:00'])
  })

  it('forward by an hour: noticed within 30 s, missed slots by policy', async () => {
    const { clock, pass, emitted, times } = await rig({ functions: [cronFunction('job', { schedule: '7 * * * *' })] })
    await pass(1)
    clock.stepWall(HOUR + 8 * 60_000)
    await pass(30)
    expect(times()).toEqual(['13:07:00'])
    expect(header(emitted[0], 'X-Cron-Trigger')).toBe('catch-up')
    expect(header(emitted[0], 'X-Cron-Missed-Count')).toBe('1')
  })

  it('forward by six hours over a schedule of every second: bounded', async () => {
    const { clock, pass, emitted } = await rig({ functions: [cronFunction('job', { schedule: '* * * * * *' })] })
    await pass(2)
    clock.stepWall(6 * HOUR)
    await pass(1)
    expect(emitted.length).toBeLessThanOrEqual(2 + 12)
  })

  it('far ahead and back again: the schedule does not stay silent for years', async () => {
    const { clock, pass, times } = await rig({ functions: [cronFunction('job', { schedule: '* * * * *' })] })
    clock.stepWall(20 * 365 * 24 * HOUR)
    await pass(60)
    const before = times().length
    clock.stepWall(-20 * 365 * 24 * HOUR)
    await pass(120)
    expect(times().slice(before)).toContain('12:02:00')
    expect(times().slice(before)).toContain('12:03:00')
  })

  it('a blocked event loop loses no slot of a live process', async () => {
    const { clock, times } = await rig({ functions: [cronFunction('job', { schedule: '* * * * * *' })] })
    await clock.advanceAsync(1000)
    clock.stepWall(5000)
    await clock.advanceAsync(1000)
    expect(times()).toEqual(['12:00:01', '12:00:02', '12:00:03', '12:00:04', '12:00:05', '12:00:06', '12:00:07'])
  })
})

const collect = (clock: Clock): { loop: Loop<string>; calls: string[]; steps: number[]; deferred: (() => void)[] } => {
  const [calls, steps, deferred]: [string[], number[], (() => void)[]] = [[], [], []]
  const loop = new Loop<string>({
    clock,
    due: (key) => calls.push(key),
    stepped: (step) => steps.push(step),
    defer: (run) => deferred.push(run),
  })
  return { loop, calls, steps, deferred }
}

describe('the loop', () => {
  it('has one timer of at most 30 s, whatever the number of keys', () => {
    const clock = manualClock(noon)
    const { loop, calls } = collect(clock)
    for (let index = 0; index < 1000; index += 1) loop.set(`k${index}`, noon + HOUR + index)
    expect(clock.pending).toBe(1)
    expect(clock.untilNext).toBe(30_000)
    loop.set('soon', noon + 10)
    expect(clock.pending).toBe(1)
    clock.advance(10)
    expect(calls).toEqual(['soon'])
    loop.stop()
    expect(clock.pending).toBe(0)
  })

  it('calls keys in the order of their times, each once, and not one that was deleted or moved away', () => {
    const clock = manualClock(noon)
    const { loop, calls } = collect(clock)
    for (const [key, at] of [
      ['c', 30],
      ['a', 10],
      ['gone', 15],
      ['b', 20],
      ['moved', 12],
    ] as const)
      loop.set(key, noon + at)
    loop.delete('gone')
    loop.set('moved', noon + 99)
    clock.advance(50)
    expect(calls).toEqual(['a', 'b', 'c'])
    clock.advance(50)
    expect(calls).toEqual(['a', 'b', 'c', 'moved'])
  })

  it('lets others run between parts of a long batch', () => {
    const clock = manualClock(noon)
    let looks = 0
    // Time passes with each look at it: a part is over after a few.
    const ticking = { now: () => clock.now(), monotonic: () => clock.monotonic() + (looks += 1) * 15, after: clock.after }
    const { loop, calls, deferred } = collect(ticking)
    for (let index = 0; index < 1200; index += 1) loop.set(`k${index}`, noon)
    clock.advance(1)
    const parts = [calls.length]
    for (let next = deferred.shift(); next !== undefined; next = deferred.shift()) {
      next()
      parts.push(calls.length)
    }
    expect(parts.length).toBeGreaterThan(4)
    expect(parts[0]).toBeGreaterThan(0)
    expect(calls).toHaveLength(1200)
    expect(new Set(calls).size).toBe(1200)
    expect(clock.pending).toBe(1)
  })

  it('reports steps of the wall clock, not the passing of time', () => {
    const clock = manualClock(noon)
    const { steps } = (() => {
      const made = collect(clock)
      made.loop.set('x', noon + HOUR)
      return made
    })()
    clock.advance(120_000)
    clock.stepWall(-7_200_000)
    clock.advance(30_000)
    expect(steps).toEqual([-7_200_000])
  })
})
