import { expect, test } from 'vitest'
import { defaultLimits } from '../../src/core/delivery/engine-options.ts'
import { MillraceError } from '../../src/core/errors.ts'
import { openSpool, type Spool } from '../../src/ports/spool/spool.ts'
import { SpoolIntake } from '../../src/runtime/spool-intake.ts'
import { harness, policy, type Harness } from '../core/delivery/engine-harness.ts'
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

test('a replay that cannot read its spool goes on later, where it stood', async () => {
  const h = harness([policy('a')])
  const logger = recordingLogger()
  const directory = await folder()
  const before = await openSpool({ directory, clock: h.clock, logger })
  for (const id of ['1', '2', '3']) await before.accept(event(id), 'p0')
  await before.close()
  const spool = await openSpool({ directory, clock: h.clock, logger })
  let reads = 0
  const failing: Spool = {
    accept: (given, intake, terms) => spool.accept(given, intake, terms),
    settle: (entry) => spool.settle(entry),
    stats: () => spool.stats(),
    close: () => spool.close(),
    pending: async function* () {
      for await (const found of spool.pending()) {
        reads += 1
        if (reads === 2) throw new MillraceError('E_JOURNAL_IO', { operation: 'replay', path: directory, reason: 'EMFILE' })
        yield found
      }
    },
  }
  const replay = new SpoolIntake(failing, h.engine, h.clock, logger, new AbortController().signal).replay()
  await until('it waits', () => h.clock.pending > 0)
  expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([
    expect.objectContaining({ fields: expect.objectContaining({ code: 'E_JOURNAL_IO', replayed: 1 }) }),
  ])
  h.clock.advance(1_000)
  await replay
  expect(h.calls.map(({ request }) => request.event.id)).toEqual(['1', '2', '3'])
  h.engine.kill()
  await spool.close()
})

test('T4 what a delivery says besides its event holds in the next run too: its targets, and that no function can read it', async () => {
  const directory = await folder()
  const logger = recordingLogger()
  const run = async (): Promise<{ h: Harness; spool: Spool; intake: SpoolIntake }> => {
    const h = harness([policy('a'), policy('b')])
    const spool = await openSpool({ directory, clock: h.clock, logger })
    return { h, spool, intake: new SpoolIntake(spool, h.engine, h.clock, logger, new AbortController().signal) }
  }
  const first = await run()
  const ways = { intake: 'p0', ack: () => undefined, release: () => undefined }
  const targets = [{ function: 'b', attempts: 2, firstAttemptAt: 1_700_000_000_000 }]
  // A topic that the map does not know: without its target it would be acknowledged as unmatched.
  expect(await first.intake.accept({ ...ways, event: { ...event('1'), topic: 'nobody' }, targets })).toBe(true)
  first.h.engine.kill()
  expect(await first.intake.accept({ ...ways, event: event('2'), unreadable: { reason: 'too-large', detail: 'planted' } })).toBe(true)
  await first.spool.close()

  const second = await run()
  await second.intake.replay()
  expect(second.h.calls.map(({ request }) => [request.event.id, request.function, request.attempt])).toEqual([['1', 'b', 3]])
  await until('it is in the dead letters', () => second.h.letters.length === 1)
  expect(second.h.letters[0]).toMatchObject({ event: { id: '2' }, reason: 'too-large', detail: 'planted' })
  second.h.engine.kill()
  await second.spool.close()
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
