import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/core/delivery/engine-options.ts'
import { openSpool } from '../../src/ports/spool/spool.ts'
import { SpoolIntake } from '../../src/runtime/spool-intake.ts'
import { harness, policy } from '../core/delivery/engine-harness.ts'
import { recordingLogger } from '../ports/journal/recording-logger.ts'
import { tempFolders } from '../ports/journal/temp-folder.ts'
import { until } from './connector/start-connector.ts'

const folder = tempFolders()

const event = (id: string) => ({ id, source: 's', type: 't', topic: 't', data: new Uint8Array(1), headers: [] })

/** A spool with events of an earlier run, and an engine that takes one at a time. */
const replaying = async (ids: readonly string[]) => {
  const h = harness([policy('a')], { limits: { ...defaultLimits, window: 1 } })
  const logger = recordingLogger()
  const directory = await folder()
  const before = await openSpool({ directory, clock: h.clock, logger })
  for (const id of ids) await before.accept(event(id), 'p0')
  await before.close()
  const spool = await openSpool({ directory, clock: h.clock, logger })
  const stopped = new AbortController()
  const replay = new SpoolIntake(spool, h.engine, h.clock, logger, stopped.signal).replay()
  await until('the first one is called', () => h.calls.length === 1)
  await until('the rest waits', () => h.clock.pending > 0)
  return { h, spool, stopped, replay }
}

test('a replay waits by the clock until there is room', async () => {
  const { h, spool, replay } = await replaying(['1', '2'])
  h.calls[0]?.reply(200)
  expect(h.calls).toHaveLength(1)
  h.clock.advance(20)
  await replay
  expect(h.calls.map(({ request }) => request.event.id)).toEqual(['1', '2'])
  h.calls[1]?.reply(200)
  await spool.close()
})

test('a stop ends a replay that waits for room, without its timer', async () => {
  const { h, spool, stopped, replay } = await replaying(['1', '2'])
  const before = h.clock.pending
  stopped.abort()
  await replay
  expect(h.clock.pending).toBe(before - 1)
  expect(h.calls).toHaveLength(1)
  h.engine.kill()
  await spool.close()
})
