import { expect, test } from 'vitest'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { memoryLog } from '../../../src/testing/memory-log.ts'
import { memorySource } from '../../../src/testing/memory-source.ts'
import { bench, until } from './start-connector.ts'

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
