import { expect, test } from 'vitest'
import type { Source } from '../../../src/contract/source.ts'
import { silentLogger } from '../../../src/ports/logging/pino-logger.ts'
import { openSpool, type Spool } from '../../../src/ports/spool/spool.ts'
import { systemClock } from '../../../src/ports/system-clock.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { memoryLog } from '../../../src/testing/memory-log.ts'
import { memorySource } from '../../../src/testing/memory-source.ts'
import { tempFolders } from '../../ports/journal/temp-folder.ts'
import { bench, until } from './start-connector.ts'

const folder = tempFolders()

test('a stop at the moment of the first map does not connect the source any more', async () => {
  const { connector, log } = await bench({ a: { annotations: { topic: 't' } } })
  const states: string[] = []
  connector.on('state:changed', ({ state }) => states.push(state))
  let stopped: Promise<void> | undefined
  connector.on('map:changed', () => {
    stopped ??= connector.stop()
  })
  await connector.start()
  await stopped
  expect(states).toEqual(['discovering', 'draining', 'stopped'])
  expect(log.connections).toBe(0)
})

test('a drain ends the replay of a spool: what is not out yet is not even read', async () => {
  const spooled = 200
  const directory = await folder()
  const open = (): Promise<Spool> => openSpool({ directory, clock: systemClock, logger: silentLogger })
  const before = await open()
  for (let n = 0; n < spooled; n += 1)
    await before.accept({ id: `${n}`, source: 's', type: 't', topic: 't', data: new Uint8Array(1), headers: [] }, 'i')
  await before.close()
  const spool = await open()
  const finished = Promise.withResolvers<undefined>()
  const { connector, gateway } = await bench(
    {
      a: { annotations: { topic: 't' }, handler: (call) => (call.header('x-event-id') === '0' ? finished.promise : new Promise(() => {})) },
    },
    { source: { replay: 'spool' }, connector: { spool, drainMs: 300, limits: { window: 2 } } },
  )
  await connector.start()
  await gateway.waitFor(2)
  const stopped = connector.stop()
  // One of the two leaves: there is room again.
  finished.resolve(undefined)
  await stopped
  await spool.close()
  expect(connector.stats()).toMatchObject({ received: 2, acked: 1, released: 1, drift: 0 })
})

test('a broker that is lost during a drain is not connected again', async () => {
  const log = memoryLog()
  const memory = memorySource(log)
  let connects = 0
  const connect: Source['connect'] = (context) => {
    connects += 1
    return memory.connect(context)
  }
  const { connector, gateway } = await bench(
    { a: { annotations: { topic: 't' }, handler: () => new Promise((resolve) => setTimeout(resolve, 1_000)) } },
    { connector: { source: { ...memory, connect } } },
  )
  await connector.start()
  await until('connected', () => connector.state === 'running')
  void connector.invoke('t', 'keeps the drain waiting').catch(() => undefined)
  await gateway.waitFor(1)
  const stopped = connector.stop()
  log.disconnect('planted')
  await stopped
  expect(connects).toBe(1)
})

test('a source that never frees what it holds does not keep a stop from its end', async () => {
  const clock = manualClock(0)
  const disposing = { yet: false }
  const dispose = (): Promise<void> => {
    disposing.yet = true
    return new Promise(() => {})
  }
  const { connector } = await bench({}, { connector: { clock, source: { ...memorySource(memoryLog()), dispose } } })
  const stopped = connector.stop()
  await until('asked to dispose', () => disposing.yet)
  expect(connector.state).toBe('draining')
  clock.advance(10_000)
  await stopped
  expect(connector.state).toBe('stopped')
})

test('a session that cannot say goodbye does not keep the rest from being freed', async () => {
  let disposed = 0
  const memory = memorySource(memoryLog())
  const { connector } = await bench(
    {},
    {
      connector: {
        source: {
          ...memory,
          connect: async (context) => {
            const session = await memory.connect(context)
            return Object.assign(Object.create(session) as typeof session, {
              close: async () => {
                await session.close()
                throw new Error('planted: the last commit failed')
              },
            })
          },
          dispose: async () => void (disposed += 1),
        },
      },
    },
  )
  await connector.start()
  await until('connected', () => connector.state === 'running')
  await connector.stop()
  expect(connector.state).toBe('stopped')
  expect(disposed).toBe(1)
})
