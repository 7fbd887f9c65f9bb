import { memoryState } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_MISSED, newestSlots, planDue } from '../../src/run/plan.ts'
import { nextEvery } from '../../src/schedule/every.ts'
import type { Timeline } from '../../src/schedule/timeline.ts'
import { zoneOf } from '../../src/schedule/zone.ts'
import { cronFunction, header, noon, rig, settled } from './harness.ts'

const away = async (
  annotations: Record<string, string>,
  minutes: number,
): Promise<{ times: string[]; triggers: (string | undefined)[]; missed: (string | undefined)[] }> => {
  const clock = manualClock(noon)
  const state = memoryState({ clock })
  const functions = [cronFunction('job', { schedule: '* * * * *', ...annotations })]
  const first = await rig({ clock, state, functions })
  await first.session.close()
  clock.advance(minutes * 60_000 + 30_000)
  const second = await rig({ clock, state, functions })
  await second.pass(1)
  await second.session.close()
  return {
    times: second.times().map((time) => time.slice(0, 5)),
    triggers: second.emitted.map((delivery) => header(delivery, 'X-Cron-Trigger')),
    missed: second.emitted.map((delivery) => header(delivery, 'X-Cron-Missed-Count')),
  }
}

describe('T27 slots missed while the connector was down', () => {
  it('last, the default: one run for all of them', async () => {
    expect(await away({}, 3)).toEqual({ times: ['12:03'], triggers: ['catch-up'], missed: ['2'] })
  })

  it('none', async () => {
    expect((await away({ 'catch-up': 'none' }, 3)).times).toEqual([])
  })

  it('all, within the window', async () => {
    expect(await away({ 'catch-up': 'all' }, 3)).toEqual({
      times: ['12:01', '12:02', '12:03'],
      triggers: ['catch-up', 'catch-up', 'catch-up'],
      missed: ['0', '0', '0'],
    })
    expect((await away({ 'catch-up': 'all' }, 60)).times).toEqual(['12:56', '12:57', '12:58', '12:59', '13:00'])
    expect((await away({ 'catch-up': 'all', 'catch-up-window': '90s' }, 60)).times).toEqual(['12:59', '13:00'])
  })

  it('all is at most 100 slots, the newest', async () => {
    const { times, missed } = await away({ 'catch-up': 'all', 'catch-up-window': '24h' }, 300)
    expect(times).toHaveLength(100)
    expect([times[0], times[99]]).toEqual(['15:21', '17:00'])
    expect(missed[0]).toBe('1')
  })

  it('a deadline is the latest start', async () => {
    expect((await away({ 'catch-up': 'all', deadline: '95s' }, 4)).times).toEqual(['12:03', '12:04'])
  })

  it('outside the window nothing runs', async () => {
    const { times } = await away({ schedule: '5 12 * * *' }, 60)
    expect(times).toEqual([])
  })
})

describe('T9 C4 while nothing is acknowledged, since the gateway is away', () => {
  const seconds = 290
  const returned = async (policy: string, awayFor: number): Promise<string[]> => {
    const one = await rig({ functions: [cronFunction('job', { schedule: '* * * * * *', 'catch-up': policy })] })
    await one.pass(awayFor)
    // It comes back: all that waits is acknowledged, and what this makes room for too.
    for (let done = 0, idle = 0; idle < 3; idle = done < one.emitted.length ? 0 : idle + 1) {
      for (const delivery of one.emitted.slice(done, done + 7)) void delivery.ack({ results: [] })
      done = Math.min(done + 7, one.emitted.length)
      await settled()
      one.clock.advance(1)
      await settled()
    }
    const times = one.times()
    await one.session.close()
    return times
  }
  const slots = (from: number, through: number): string[] =>
    Array.from({ length: through - from + 1 }, (_, n) => new Date(noon + (from + n) * 1000).toISOString().slice(11, 19))

  it('all: no slot of the window is lost, also where more have come than may be open at once', async () => {
    expect((await returned('all', seconds)).toSorted()).toEqual(slots(1, seconds))
  })

  it('last: of those that found no room the ones that are on time still run', async () => {
    const times = await returned('last', seconds)
    expect(times.slice(0, 256)).toEqual(slots(1, 256))
    expect(times.at(-1)).toBe(slots(seconds, seconds)[0])
  })
})

const every = (periodMs: number, counter = { calls: 0 }): Timeline => ({
  zone: zoneOf('UTC') ?? expect.unreachable(),
  next: (after) => {
    counter.calls += 1
    return nextEvery(periodMs, after)
  },
})

describe('planning', () => {
  it('is bounded however far the clock has jumped', () => {
    const counter = { calls: 0 }
    const plan = planDue({ timeline: every(1000, counter), cursor: 0, now: noon, since: 0, catchUp: 'all', windowMs: 31 * 86_400_000 })
    expect(plan.fire).toHaveLength(MAX_MISSED)
    expect(plan.newest).toBe(noon / 1000)
    expect(counter.calls).toBeLessThan(2000)
  })

  it('gives the same newest slots as a walk over all of them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 0, max: 200_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (period, after, seconds) => {
          const upTo = (after + seconds) * 1000
          const all: number[] = []
          for (let at = nextEvery(period * 1000, after * 1000); at <= upTo; at += period * 1000) all.push(at)
          expect(newestSlots(every(period * 1000), after * 1000, after * 1000, upTo)).toEqual(all.slice(-MAX_MISSED - 1))
        },
      ),
    )
  })

  it('fires no slot twice, none in the future, none before the cursor, in order', () => {
    const policy = fc.constantFrom('none', 'last', 'all')
    fc.assert(
      fc.property(
        policy,
        fc.integer({ min: 1, max: 90 }),
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 3000 }),
        (catchUp, period, steps, since) => {
          let [cursor, now, last] = [0, 0, 0]
          for (const step of steps) {
            now += step * 1000
            const plan = planDue({ timeline: every(period * 1000), cursor, now, since: since * 1000, catchUp, windowMs: 60_000 })
            for (const { slot } of plan.fire) {
              expect(slot).toBeGreaterThan(last)
              expect(slot * 1000).toBeGreaterThan(cursor)
              expect(slot * 1000).toBeLessThanOrEqual(now)
              last = slot
            }
            cursor = (plan.newest ?? cursor / 1000) * 1000
            expect(nextEvery(period * 1000, cursor)).toBeGreaterThan(now)
          }
        },
      ),
    )
  })
})
