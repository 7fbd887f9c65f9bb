import type { MillraceError } from '@millrace/sdk'
import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, denied, Player, turns } from './kit.ts'

leakGuard()

let broker: MemoryBroker
let player: Player

const later = async (ms: number): Promise<void> => {
  await player.clock.advanceAsync(ms)
  await turns()
}

beforeEach(async () => {
  broker = new MemoryBroker()
  player = new Player(broker, [declared('f', ['orders', 'payments'])])
  await player.connect()
})

afterEach(async () => {
  await player.stop()
  broker.close()
})

test('readiness follows the queues: false with the reason when the last one is set apart, true when one is back', async () => {
  expect(player.notReady).toBeUndefined()
  broker.refuse = (request) => (request === 'consume' ? denied() : undefined)
  broker.delete('orders')
  await turns()
  expect(player.notReady).toBeUndefined()
  broker.delete('payments')
  await turns()
  expect(player.notReady).toMatchObject({ code: 'E_RABBITMQ_CONSUMER_CANCELLED' })
  await later(2000)
  expect(player.notReady).toMatchObject({ code: 'E_RABBITMQ_DENIED' })
  // The session stands: what is wrong with queues is mended by their own consumers.
  expect(player.lost).toBeUndefined()
  broker.refuse = (request, name) => (request === 'consume' && name === 'orders' ? denied() : undefined)
  await later(60_000)
  expect([player.state('orders'), player.state('payments'), player.notReady]).toEqual(['quarantined', 'consuming', undefined])
})

test('it is not said for a moment, while a queue is tried again', async () => {
  const said: (string | undefined)[] = []
  Object.defineProperty(player, 'notReady', {
    set: (reason: MillraceError | undefined) => {
      said.push(reason?.code)
    },
  })
  broker.refuse = (request) => (request === 'consume' ? denied() : undefined)
  broker.delete('orders')
  broker.delete('payments')
  await turns()
  await later(300_000)
  expect(said.length).toBeGreaterThan(1)
  expect(said).not.toContain(undefined)
})

test('the queues that cannot be consumed count while somebody wants them', async () => {
  broker.refuse = (request, name) => (request === 'consume' && name === 'orders' ? denied() : undefined)
  broker.delete('orders')
  await turns()
  await player.setFunctions([declared('f', ['orders'])])
  expect(player.notReady).toMatchObject({ code: 'E_RABBITMQ_CONSUMER_CANCELLED' })
  await player.setFunctions([])
  expect(player.notReady).toBeUndefined()
})
