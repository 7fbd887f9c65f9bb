import { expect, test } from 'vitest'
import { bench, until } from './start-connector.ts'

test('S9: nothing is taken in before the first good map; the gateway may come later', async () => {
  const { gateway, connector, log } = await bench({ a: { annotations: { topic: 't' } } })
  await gateway.down()
  log.publish('t', { data: 'x' })
  const started = connector.start()
  await until('a failed list', () => connector.state === 'discovering')
  expect(connector.notReady).toEqual(['the connector is discovering'])
  expect(log.connections).toBe(0)
  await gateway.up()
  await started
  await until('acknowledged', () => log.position() === 1)
  expect(connector.state).toBe('running')
})

test('a lost broker is not an exit: it is connected again, and what was not acknowledged comes again', async () => {
  let hold = true
  const { gateway, connector, log } = await bench({
    a: { annotations: { topic: 't' }, handler: () => (hold ? new Promise(() => {}) : undefined) },
  })
  const states: string[] = []
  connector.on('state:changed', ({ state }) => states.push(state))
  await connector.start()
  await until('connected', () => connector.state === 'running')
  log.publish('t', { data: 'x' })
  await gateway.waitFor(1)
  hold = false
  log.disconnect('planted')
  await until('acknowledged', () => log.position() === 1)
  expect(gateway.requests).toHaveLength(2)
  expect(states).toEqual(['discovering', 'paused', 'running', 'paused', 'running'])
  expect(connector.stats()).toMatchObject({ received: 2, acked: 1, released: 1, drift: 0 })
})

test('T2: a stop lets in-flight work finish, releases the rest and dead-letters nothing', async () => {
  const { gateway, connector, log } = await bench({
    a: {
      annotations: { topic: 't', 'com.openfaas.connector.concurrency': '2' },
      handler: () => new Promise((resolve) => setTimeout(resolve, 100)),
    },
  })
  await connector.start()
  log.publish('t', ...Array.from({ length: 10 }, (_, n) => ({ data: `${n}` })))
  await gateway.waitFor(2)
  await connector.stop()
  expect(connector.state).toBe('stopped')
  expect(connector.stats()).toMatchObject({ acked: 2, dead: 0, inFlight: 0, drift: 0 })
  expect(log.position()).toBe(2)
  await connector.done
})

test('a stop at the deadline releases what still runs', async () => {
  const { gateway, connector, log } = await bench(
    { a: { annotations: { topic: 't' }, handler: () => new Promise(() => {}) } },
    { connector: { drainMs: 50 } },
  )
  await connector.start()
  log.publish('t', { data: 'x' })
  await gateway.waitFor(1)
  await connector.stop()
  expect(connector.stats()).toMatchObject({ acked: 0, released: 1, inFlight: 0 })
  expect(log.position()).toBe(0)
})

test('a stop while the gateway is away ends, and so does one while the source cannot connect', async () => {
  const away = await bench({})
  await away.gateway.down()
  const started = away.connector.start()
  await away.connector.stop()
  await started
  expect(away.connector.state).toBe('stopped')

  const broken = await bench({})
  broken.log.stop()
  await broken.connector.start()
  await until('lost', () => broken.connector.notReady.length > 0)
  await broken.connector.stop()
  expect(broken.connector.state).toBe('stopped')
})

test('a second start is refused with the state in its text', async () => {
  const { connector } = await bench({})
  await connector.start()
  await expect(connector.start()).rejects.toThrow(/E_CONNECTOR_STATE.*start\(\)/)
})

test('P2: a redirect ends readiness until somebody mends it', async () => {
  const { gateway, connector, log } = await bench(
    { a: { annotations: { topic: 't' }, handler: () => ({ status: 302, headers: { location: 'http://169.254.169.254/' } }) } },
    { connector: { times: { functionOpenMs: 30 } } },
  )
  await connector.start()
  log.publish('t', { data: 'x' })
  await until('not ready', () => connector.state === 'paused')
  expect(connector.notReady[0]).toMatch(/redirect.*a\.openfaas-fn/)
  // Mended and deployed again: its slow wait ends at once.
  gateway.setFunction('a', { annotations: { topic: 't' }, createdAt: '2026-01-01T00:00:00Z' })
  await until('acknowledged', () => log.position() === 1)
  expect(connector.state).toBe('running')
})
