import { leakGuard } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { memorySource } from '../memory/kit.ts'
import { declared, Player, turns } from './kit.ts'

leakGuard()

test('order default: partition with single active consumers, else none', async () => {
  const broker = new MemoryBroker()
  const orders = [{}, { singleActiveConsumer: true }].map((topology) => memorySource(broker, { topology }).order)
  expect(orders).toEqual(['none', 'partition'])
})

test.each([
  ['no order of its own: its lane keeps the order, and nothing waits here', {}, ['m1', 'm2', 'm3']],
  ['order none: one at a time', { order: 'none' }, ['m1']],
])('a queue with a single active consumer, and a function with %s', async (_what, annotations, inHand) => {
  const broker = new MemoryBroker()
  const topology = { singleActiveConsumer: true }
  const player = new Player(broker, [declared('f', [], { queue: 'auto', ...annotations })], { topology })
  await player.connect()
  for (const text of ['m1', 'm2', 'm3']) broker.publish('faas.openfaas-fn.f', text)
  await turns()
  expect(player.texts).toEqual(inHand)
  await player.stop()
  broker.close()
  expect(broker.complaints).toEqual([])
})
