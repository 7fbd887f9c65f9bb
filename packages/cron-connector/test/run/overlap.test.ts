import { memoryState } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, it } from 'vitest'
import { cronFunction, noon, rig, settled } from './harness.ts'

const done = { results: [] }
const minutely = (extra: Record<string, string>): ReturnType<typeof cronFunction> =>
  cronFunction('job', { schedule: '* * * * *', ...extra })

describe('T27 overlap', () => {
  it('allow: a slot does not wait for the one before', async () => {
    const { pass, times } = await rig({ functions: [minutely({})] })
    await pass(180)
    expect(times()).toEqual(['12:01:00', '12:02:00', '12:03:00'])
  })

  it('forbid: slots that come while one runs are skipped for good', async () => {
    const { emitted, pass, times } = await rig({ functions: [minutely({ overlap: 'forbid' })] })
    await pass(190)
    await emitted[0]?.ack(done)
    await settled()
    expect(times()).toEqual(['12:01:00'])
    await pass(60)
    expect(times()).toEqual(['12:01:00', '12:04:00'])
  })

  it('buffer-one: the latest of them runs when the one before has settled', async () => {
    const { emitted, pass, times } = await rig({ functions: [minutely({ overlap: 'buffer-one' })] })
    await pass(190)
    await emitted[0]?.ack(done)
    await settled()
    expect(times()).toEqual(['12:01:00', '12:03:00'])
    await pass(60)
    await emitted[1]?.ack(done)
    await settled()
    expect(times()).toEqual(['12:01:00', '12:03:00', '12:04:00'])
  })

  it('a restart keeps both the running slot and the kept one, one after the other', async () => {
    const clock = manualClock(noon)
    const state = memoryState({ clock })
    const functions = [minutely({ overlap: 'buffer-one' })]
    const first = await rig({ clock, state, functions })
    await first.pass(190)
    first.kill()
    const second = await rig({ clock, state, functions })
    expect(second.times()).toEqual(['12:01:00'])
    await second.emitted[0]?.ack(done)
    await settled()
    expect(second.times()).toEqual(['12:01:00', '12:03:00'])
  })

  it('forbid with catch-up all: missed slots run one after the other', async () => {
    const clock = manualClock(noon)
    const state = memoryState({ clock })
    const functions = [minutely({ overlap: 'forbid', 'catch-up': 'all' })]
    const first = await rig({ clock, state, functions })
    await first.session.close()
    clock.advance(150_000)
    const second = await rig({ clock, state, functions })
    await second.pass(1)
    expect(second.times()).toEqual(['12:01:00'])
    await second.emitted[0]?.ack(done)
    await settled()
    expect(second.times()).toEqual(['12:01:00', '12:02:00'])
  })

  it('open slots are bounded: at the bound slots wait and are caught up by policy', async () => {
    const { emitted, pass } = await rig({ functions: [cronFunction('job', { schedule: '* * * * * *' })] })
    await pass(300)
    expect(emitted).toHaveLength(256)
    await emitted[0]?.ack(done)
    await pass(1)
    expect(emitted).toHaveLength(257)
  })
})
