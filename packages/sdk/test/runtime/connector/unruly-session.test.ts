import { expect, test } from 'vitest'
import { makeDelivery } from '../../../src/core/source/deliver.ts'
import { openSession } from '../../../src/core/source/open-session.ts'
import { bench, until } from './start-connector.ts'

const eventOf = (n: number) => ({ id: `${n}`, source: 'unruly', type: 'test', topic: 't', data: Buffer.from(`${n}`), headers: [] })

test('a session that throws when it is paused or resumed neither loses an event nor miscounts one', async () => {
  const events = 4
  let acked = 0
  const threw: string[] = []
  const throwing = (what: string) => (): void => {
    threw.push(what)
    throw new Error(`planted: ${what}`)
  }
  const { connector, gateway } = await bench(
    { a: { annotations: { topic: 't' } } },
    {
      connector: {
        limits: { window: 2 },
        source: {
          name: 'unruly',
          replay: 'broker',
          connect: async (context) => {
            const session = openSession({ pause: throwing('pause'), resume: throwing('resume') })
            queueMicrotask(() => {
              for (let n = 0; n < events; n += 1) {
                context.emit(makeDelivery({ event: eventOf(n), intake: 'p0', ack: () => void (acked += 1) }))
              }
            })
            return session
          },
        },
      },
    },
  )
  await connector.start()
  await until('all acknowledged', () => acked === events)
  expect(threw).toEqual(expect.arrayContaining(['pause', 'resume']))
  expect(gateway.requests).toHaveLength(events)
  expect(connector.stats()).toMatchObject({ received: events, acked: events, released: 0, inFlight: 0, drift: 0 })
})
