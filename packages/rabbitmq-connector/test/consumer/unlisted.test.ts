import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, Player, turns } from './kit.ts'

leakGuard()

const settleMs = 1000
const own = declared('f', [], { queue: 'auto', prefetch: '5' })

let broker: MemoryBroker
let player: Player

/** Changes of the functions are followed a second later, and the test is within that second. */
const play = async (functions: readonly ReturnType<typeof declared>[]): Promise<void> => {
  player = new Player(broker, functions, { times: { settleMs } })
  await player.connect()
}

const readyIn = (queue: string): number | undefined => broker.queues.get(queue)?.ready.length
const ackedIn = (queue: string): number | undefined => broker.queues.get(queue)?.acked

beforeEach(() => {
  broker = new MemoryBroker()
})

afterEach(async () => {
  await player.stop()
  broker.close()
})

test.each([
  ['its own queue', own, 'faas.openfaas-fn.f'],
  ['a queue that it names', declared('f', ['orders']), 'orders'],
])('a function that is gone: nothing of %s is handed over, also before the consumer has stopped', async (_what, wanting, queue) => {
  await play([wanting])
  await player.setFunctions([])
  // The change is known, and the second is not over.
  broker.publish(queue, 'm1')
  await turns()
  expect(player.texts).toEqual([])
  await player.clock.advanceAsync(settleMs)
  await turns()
  expect([player.state(queue), readyIn(queue), ackedIn(queue)]).toEqual([undefined, 1, 0])
})

test('what the runtime gives back since the function is gone goes back to its queue with the consumer', async () => {
  await play([own])
  const queue = 'faas.openfaas-fn.f'
  for (const text of ['m1', 'm2', 'm3']) broker.publish(queue, text)
  await turns()
  expect(player.inHand.map(({ delivery }) => delivery.unlisted)).toEqual(['release', 'release', 'release'])
  for (const hand of player.inHand.slice(1)) {
    hand.left = 'unlisted'
    hand.delivery.release('unlisted')
  }
  await player.setFunctions([])
  await player.ack(player.inHand[0])
  await player.clock.advanceAsync(settleMs)
  await turns()
  expect(player.texts).toEqual(['m1', 'm2', 'm3'])
  expect([player.state(queue), readyIn(queue), ackedIn(queue)]).toEqual([undefined, 2, 1])
})

test('a function that is back within the second gets it once, in the old order', async () => {
  await play([own])
  const queue = 'faas.openfaas-fn.f'
  for (const text of ['m1', 'm2', 'm3']) broker.publish(queue, text)
  await turns()
  const hands = player.inHand
  await player.setFunctions([])
  for (const hand of [hands[2], hands[0], hands[1]]) {
    if (hand === undefined) continue
    hand.left = 'unlisted'
    hand.delivery.release('unlisted')
  }
  broker.publish(queue, 'm4')
  await turns()
  expect(player.inHand).toEqual([])
  await player.setFunctions([own])
  await turns()
  await player.clock.advanceAsync(settleMs)
  await turns()
  expect(player.inHand.map(({ text }) => text)).toEqual(['m1', 'm2', 'm3', 'm4'])
  await player.ackAll()
  expect([readyIn(queue), ackedIn(queue)]).toEqual([0, 4])
})

test('its own queue asks the filter of a function, and a shared one leaves that to the topic map', async () => {
  await play([own, declared('g', ['orders'])])
  broker.publish('faas.openfaas-fn.f', 'm1')
  broker.publish('orders', 'm2')
  await turns()
  expect(player.inHand.map(({ text, delivery }) => [text, delivery.asksFilter])).toEqual([
    ['m1', true],
    ['m2', undefined],
  ])
})

test('messages that several functions share are dropped for the one that is gone, as everywhere', async () => {
  await play([declared('f', ['orders']), declared('g', ['orders'])])
  broker.publish('orders', 'm1')
  await turns()
  expect(player.inHand[0]?.delivery.unlisted).toBeUndefined()
  await player.setFunctions([declared('g', ['orders'])])
  broker.publish('orders', 'm2')
  await turns()
  expect(player.texts).toEqual(['m1', 'm2'])
})
