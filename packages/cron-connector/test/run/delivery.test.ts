import { memoryState } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, it } from 'vitest'
import { cronFunction, header, noon, rig, settled } from './harness.ts'

const job = cronFunction('job', { schedule: '* * * * *' })
const done = { results: [] }

/** Another start over the same time and state. */
const shared = (): { clock: ReturnType<typeof manualClock>; state: StateStore } => {
  const clock = manualClock(noon)
  return { clock, state: memoryState({ clock }) }
}

describe('T27 at least once over a crash', () => {
  it('a slot that was claimed and not settled fires again with its id; a settled one does not', async () => {
    const base = shared()
    const first = await rig({ ...base, functions: [job] })
    await first.pass(120)
    await first.emitted[0]?.ack(done)
    first.kill()
    const second = await rig({ ...base, functions: [job] })
    await second.pass(1)
    expect(second.times()).toEqual(['12:02:00'])
    expect(second.emitted[0]?.event.id).toBe(first.emitted[1]?.event.id)
    await second.emitted[0]?.ack(done)
    second.kill()
    const third = await rig({ ...base, functions: [job] })
    await third.pass(1)
    expect(third.emitted).toEqual([])
  })

  it('an old claim fires again however long the connector was away, unless its deadline has passed', async () => {
    for (const [extra, expected] of [
      [{}, ['12:01:00']],
      [{ deadline: '2h' }, []],
    ] as const) {
      const base = shared()
      const function_ = cronFunction('job', { schedule: '1 12 * * *', ...extra })
      const first = await rig({ ...base, functions: [function_] })
      await first.pass(60)
      expect(first.emitted).toHaveLength(1)
      first.kill()
      base.clock.advance(10 * 3_600_000)
      const second = await rig({ ...base, functions: [function_] })
      expect(second.times()).toEqual(expected)
      second.kill()
      const third = await rig({ ...base, functions: [function_] })
      expect(third.times()).toEqual(expected)
    }
  })

  it('what is released on drain fires again after the restart, and nothing is claimed while draining', async () => {
    const base = shared()
    const first = await rig({ ...base, functions: [job] })
    await first.pass(60)
    first.session.pause()
    first.emitted[0]?.release('drain')
    await first.session.close()
    expect(await first.session.closed).toBeUndefined()
    await first.pass(30)
    expect(first.emitted).toHaveLength(1)
    expect(base.clock.pending).toBe(0)
    const second = await rig({ ...base, functions: [job] })
    expect(second.times()).toEqual(['12:01:00'])
    expect(header(second.emitted[0], 'X-Cron-Trigger')).toBe('schedule')
  })

  it('an acknowledgement that arrives after the session is over still counts', async () => {
    const base = shared()
    const first = await rig({ ...base, functions: [job] })
    await first.pass(60)
    await first.session.close()
    const second = await rig({ ...base, functions: [job] })
    expect(second.times()).toEqual(['12:01:00'])
    await first.emitted[0]?.ack(done)
    await second.pass(60)
    await second.emitted[1]?.ack(done)
    await second.session.close()
    const third = await rig({ ...base, functions: [job] })
    expect(third.times()).toEqual([])
  })
})

describe('the state store', () => {
  it('nothing is emitted before its claim is durable', async () => {
    const base = shared()
    const gates: (() => void)[] = []
    const slow: StateStore = {
      ...base.state,
      get: (key) => base.state.get(key),
      delete: (key, version) => base.state.delete(key, version),
      put: async (key, value, version) => {
        await new Promise<void>((resolve) => gates.push(resolve))
        return base.state.put(key, value, version)
      },
    }
    const running = await rig({ clock: base.clock, state: slow, functions: [job] })
    gates.shift()?.()
    await running.pass(60)
    expect(running.emitted).toHaveLength(0)
    gates.shift()?.()
    await settled()
    expect(running.emitted).toHaveLength(1)
  })

  it('a failing store ends the session with the reason; the next one goes on', async () => {
    const base = shared()
    let broken = false
    const state: StateStore = {
      ...base.state,
      get: (key) => base.state.get(key),
      delete: (key, version) => base.state.delete(key, version),
      put: (key, value, version) => (broken ? Promise.reject(new Error('disk full')) : base.state.put(key, value, version)),
    }
    const first = await rig({ clock: base.clock, state, functions: [job] })
    broken = true
    await first.pass(60)
    expect((await first.session.closed)?.message).toBe('disk full')
    expect(first.emitted).toEqual([])
    await expect(rig({ clock: base.clock, state, functions: [cronFunction('new', { schedule: '* * * * *' })] })).rejects.toThrow(
      'disk full',
    )
    broken = false
    const second = await rig({ clock: base.clock, state, functions: [job] })
    await second.pass(1)
    expect(second.times()).toEqual(['12:01:00'])
  })

  it('a slot that somebody else has taken is not emitted', async () => {
    const base = shared()
    const [a, b] = [await rig({ ...base, functions: [job] }), await rig({ ...base, functions: [job] })]
    for (let second = 0; second < 180; second += 1) await base.clock.advanceAsync(1000)
    await settled()
    expect([...a.times(), ...b.times()].toSorted()).toEqual(['12:01:00', '12:02:00', '12:03:00'])
  })

  it('a record that cannot be read is replaced, and the schedule begins from now', async () => {
    const base = shared()
    const first = await rig({ ...base, functions: [job] })
    await first.pass(60)
    const [key = ''] = await base.state.keys('cron:')
    first.kill()
    await base.state.put(key, new TextEncoder().encode('{"v":9}'), (await base.state.get(key))?.version ?? 'absent')
    const second = await rig({ ...base, functions: [job] })
    await second.pass(60)
    expect(second.times()).toEqual(['12:02:00'])
  })
})

describe('pause and resume', () => {
  it('a paused schedule does not emit, the others do, and what passed is caught up by policy', async () => {
    const { emitted, session, pass } = await rig({ functions: [job, cronFunction('other', { schedule: '* * * * *' })] })
    await pass(60)
    const intake = emitted.find(({ targets }) => targets?.[0]?.function === 'job.openfaas-fn')?.intake
    session.pause(intake)
    await pass(180)
    expect(emitted).toHaveLength(5)
    session.resume()
    await pass(1)
    expect(emitted).toHaveLength(5)
    session.resume(intake)
    await pass(1)
    expect(emitted).toHaveLength(6)
    expect(header(emitted[5], 'X-Cron-Trigger')).toBe('catch-up')
    expect(header(emitted[5], 'X-Cron-Missed-Count')).toBe('2')
  })

  it('pause without a name holds all of them', async () => {
    const { session, pass, times } = await rig({ functions: [cronFunction('job', { schedule: '* * * * *', 'catch-up': 'none' })] })
    session.pause()
    await pass(121)
    expect(times()).toEqual([])
    session.resume()
    await pass(60)
    expect(times()).toEqual(['12:03:00'])
  })
})
