import { expect, test } from 'vitest'
import { bench } from './start-connector.ts'

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
