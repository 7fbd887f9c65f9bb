import { expect, test } from 'vitest'
import { defaultLimits } from '../../../src/core/delivery/engine-options.ts'
import { memoryDeadLetters } from '../../../src/ports/dead-letters/memory-sink.ts'
import { createConnector } from '../../../src/runtime/connector.ts'
import { bench, until } from './start-connector.ts'

test('an event that is held for good, since it has no place to go, ends readiness until it is given back', async () => {
  const { connector, log } = await bench(
    { a: { annotations: { topic: 't' } } },
    { connector: { limits: { ...defaultLimits, maxEventBytes: 4 } } },
  )
  await connector.start()
  await until('ready', () => connector.notReady.length === 0)
  log.publish('t', { data: 'far too large' })
  await until('not ready', () => connector.state === 'paused')
  expect(connector.notReady).toEqual([expect.stringMatching(/E_DELIVERY_HELD.*dead_letter_dir/)])
  expect(log.position()).toBe(0)
  await connector.stop()
  expect(connector.stats()).toMatchObject({ acked: 0, released: 1, inFlight: 0, drift: 0 })
})

test('`unmatched: dead-letter` without a place for dead letters is refused', () => {
  const gateway = { url: 'http://127.0.0.1:1' }
  expect(() => createConnector({ gateway, unmatched: 'dead-letter' })).toThrow(/^E_CONNECTOR_DEAD_LETTERS /)
  expect(createConnector({ gateway, unmatched: 'dead-letter', deadLetters: memoryDeadLetters() }).state).toBe('starting')
})

test('P2: a function that answered with a redirect and is gone keeps nobody from being ready', async () => {
  const { gateway, connector, log } = await bench({
    a: { annotations: { topic: 't' }, handler: () => ({ status: 302, headers: { location: 'http://169.254.169.254/' } }) },
    b: { annotations: { topic: 't' } },
  })
  await connector.start()
  log.publish('t', { data: 'x' })
  await until('not ready', () => connector.notReady.some((reason) => reason.includes('a.openfaas-fn')))
  gateway.removeFunction('a')
  await until('ready', () => connector.state === 'running')
  await until('acknowledged', () => log.position() === 1)
})
