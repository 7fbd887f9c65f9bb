import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileState } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cronFunction, noon, rig } from './harness.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-cron-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Waits for real I/O; the test's time limit is the only clock. */
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('T27 a restart over file state', () => {
  it('fires what was open, catches up what was missed, and repeats nothing that was settled', async () => {
    const clock = manualClock(noon)
    const functions = [cronFunction('job', { schedule: '* * * * *', 'catch-up': 'all' })]
    const before = await fileState({ directory, clock })
    const first = await rig({ clock, state: before, functions })
    for (const count of [1, 2]) {
      clock.advance(60_000)
      await until(() => first.emitted.length === count)
    }
    await first.emitted[0]?.ack({ results: [] })
    await first.session.close()
    await before.close()

    clock.advance(150_000)
    const after = await fileState({ directory, clock })
    const second = await rig({ clock, state: after, functions })
    clock.advance(0)
    await until(() => second.emitted.length === 3)
    expect(second.times()).toEqual(['12:02:00', '12:03:00', '12:04:00'])
    await second.session.close()
    await after.close()
  })
})
