import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, Stage, turns } from './kit.ts'

leakGuard()

let stage: Stage
let broker: MemoryBroker

const play: Stage['play'] = (...args) => stage.play(...args)

const consumersOf = (queue: string): number => broker.queues.get(queue)?.outlets.length ?? 0

beforeEach(() => {
  stage = new Stage()
  broker = stage.broker
})

afterEach(() => stage.clear())

test('a queue is consumed when a function wants it, and left when none does', async () => {
  broker.declare('orders')
  const player = await play([])
  await player.setFunctions([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  expect([player.texts, player.state('orders')]).toEqual([['o1'], 'consuming'])
  await player.setFunctions([])
  expect(player.seen[0]?.left).toBe('revoked')
  expect([player.state('orders'), consumersOf('orders'), broker.queues.get('orders')?.ready.length]).toEqual([undefined, 0, 1])
})

test('another prefetch needs a new consumer, and nothing that is in flight is given again', async () => {
  const player = await play([declared('f', [], { queue: 'auto', prefetch: '2' })])
  const queue = player.source.consumers()[0]?.queue ?? ''
  for (let i = 0; i < 6; i += 1) broker.publish(queue, `m${i}`)
  await turns()
  expect(player.texts).toEqual(['m0', 'm1'])
  await player.setFunctions([declared('f', [], { queue: 'auto', prefetch: '5' })])
  expect(player.texts.length).toBeGreaterThanOrEqual(5)
  expect(player.seen.map(({ left }) => left)).toEqual(player.seen.map(() => undefined))
  while (player.inHand.length > 0) await player.ackAll()
  expect(player.texts).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5'])
  expect(broker.queues.get(queue)?.acked).toBe(6)
})

test('while it is paused its messages are free for others; where that would cost something it keeps its consumer', async () => {
  broker.declare('theirs')
  broker.declare('fleeting', { autoDelete: true })
  const auto = declared('f', [], { queue: 'auto' })
  const player = await play([auto, declared('g', ['theirs', 'fleeting'])], { topology: { declareTopics: false } })
  const [own = ''] = player.source
    .consumers()
    .map(({ queue }) => queue)
    .filter((queue) => queue.startsWith('faas.'))
  player.session?.pause()
  await turns()
  expect([own, 'theirs', 'fleeting'].map(consumersOf)).toEqual([0, 1, 1])
  for (const queue of [own, 'theirs', 'fleeting']) broker.publish(queue, queue)
  await turns()
  expect(player.texts).toEqual([])
  player.session?.resume()
  await turns()
  expect(player.texts.toSorted()).toEqual([own, 'theirs', 'fleeting'].toSorted())
})

test('a pause within a delivery holds the very next one', async () => {
  const player = await play([declared('f', ['orders'])])
  player.onEmit = ({ delivery }) => player.session?.pause(delivery.intake)
  for (const text of ['o1', 'o2', 'o3']) broker.publish('orders', text)
  await turns()
  expect(player.texts).toEqual(['o1'])
  player.session?.resume('orders')
  expect(player.texts).toEqual(['o1', 'o2'])
})

test('an ordered queue whose function keeps no order goes one by one, one whose function does goes at once', async () => {
  const player = await play([
    declared('serial', [], { queue: 'auto', 'single-active-consumer': 'true' }),
    declared('keyed', [], { queue: 'auto', order: 'key' }),
  ])
  const queues = player.source.consumers().map(({ queue }) => queue)
  const [serial = '', keyed = ''] = ['serial', 'keyed'].map((name) => queues.find((queue) => queue.includes(name)))
  for (const text of ['1', '2', '3']) {
    broker.publish(serial, `s${text}`)
    broker.publish(keyed, `k${text}`)
  }
  await turns()
  expect(player.texts.filter((text) => text.startsWith('k'))).toEqual(['k1', 'k2', 'k3'])
  for (const text of ['s1', 's2', 's3']) {
    expect(player.texts.findLast((each) => each.startsWith('s'))).toBe(text)
    await player.ack(player.inHand.find((hand) => hand.text === text))
  }
})

test('a second replica of an ordered queue gets nothing while the first one is paused', async () => {
  const functions = [declared('f', [], { queue: 'auto', 'single-active-consumer': 'true' })]
  const first = await play(functions)
  const second = await play(functions)
  const [{ queue } = { queue: '' }] = first.source.consumers()
  first.session?.pause()
  broker.publish(queue, 'm1')
  await turns()
  expect(second.texts).toEqual([])
  await first.stop()
  await turns()
  expect(second.texts).toEqual(['m1'])
})

test('a drain takes nothing new in while what is in flight ends', async () => {
  const player = await play([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  player.draining.abort()
  await turns()
  broker.publish('orders', 'o2')
  await turns()
  expect(player.texts).toEqual(['o1'])
  await player.ackAll()
  await player.stop()
  expect([broker.queues.get('orders')?.acked, broker.queues.get('orders')?.ready.length]).toEqual([1, 1])
})

test.each([
  ['3.10.8', 0],
  ['4.2.1', 0],
  ['4.3.0', 1],
])('what is not finished goes back to its queue: RabbitMQ %s', async (version, nacks) => {
  stage = new Stage(new MemoryBroker({ version }))
  broker = stage.broker
  const player = await play([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  const queue = broker.queues.get('orders')
  player.draining.abort()
  await turns()
  player.inHand[0]?.delivery.release('drain')
  // From 4.3 a nack is no failed delivery, and a channel that is closed over a message is one.
  expect(queue?.ready.length).toBe(nacks)
  await player.stop()
  expect([queue?.ready.length, queue?.acked]).toEqual([1, 0])
})
