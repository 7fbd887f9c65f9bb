import { MillraceError } from '@millrace/sdk'
import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Dedupe } from '../../src/dedupe/dedupe.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, Player, turns } from './kit.ts'

leakGuard()

let broker: MemoryBroker
let player: Player
let marks: Set<string>
let asked: ((seen: boolean) => void)[]

const remembering = (): Dedupe => ({
  seen: (id) => marks.has(id),
  mark: async (id) => void marks.add(id),
})

const play = async (dedupe: Dedupe | undefined, annotations: Readonly<Record<string, string>> = {}): Promise<void> => {
  player = new Player(broker, [declared('f', ['orders'], annotations)], dedupe === undefined ? {} : { dedupe: () => dedupe })
  await player.connect()
}

beforeEach(() => {
  broker = new MemoryBroker()
  broker.declare('orders')
  marks = new Set()
  asked = []
})

afterEach(async () => {
  await player.stop()
  broker.close()
})

test('what was finished before is acknowledged without a call', async () => {
  await play(remembering())
  broker.publish('orders', 'o1', { messageId: 'a' })
  await turns()
  await player.ackAll()
  broker.publish('orders', 'o1 again', { messageId: 'a' })
  broker.publish('orders', 'o2', { messageId: 'b' })
  await turns()
  expect(player.texts).toEqual(['o1', 'o2'])
  expect(broker.queues.get('orders')?.acked).toBe(2)
})

test.each(['dead-lettered', 'dropped', 'deferred'] as const)(
  'an event that is %s is not finished: it may come again under its id',
  async (outcome) => {
    await play(remembering())
    broker.publish('orders', 'o1', { messageId: 'a' })
    await turns()
    await player.ack(player.inHand[0], outcome)
    broker.publish('orders', 'o1 again', { messageId: 'a' })
    await turns()
    expect(player.texts).toEqual(['o1', 'o1 again'])
  },
)

test('an event that no function wanted is not finished: one may want it when it comes again', async () => {
  await play(remembering())
  broker.publish('orders', 'o1', { messageId: 'a' })
  await turns()
  await player.settle(player.inHand[0], [])
  broker.publish('orders', 'o1 again', { messageId: 'a' })
  await turns()
  expect([player.texts, marks.size]).toEqual([['o1', 'o1 again'], 0])
})

test('a retry copy is a repeat of itself alone, by the id of its first message', async () => {
  await play(remembering())
  const copy = {
    headers: new Map([
      ['millrace-event-id', 'e-1'],
      ['millrace-target', 'f'],
      ['millrace-attempt', '1'],
    ]),
  }
  broker.publish('orders', 'copy', { messageId: 'a', ...copy })
  await turns()
  await player.ackAll()
  broker.publish('orders', 'copy again', { messageId: 'a', ...copy })
  broker.publish('orders', 'the event', { messageId: 'a' })
  await turns()
  expect(player.texts).toEqual(['copy', 'the event'])
})

const cloudEvent = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/shop', 'ce-type': 'order' }

test.each([
  ['has the id of a CloudEvent only', cloudEvent],
  ['has the id of a copy only', { 'millrace-event-id': 'e-1', 'millrace-target': 'f', 'millrace-attempt': '1' }],
])('what %s is never taken for a repeat', async (_what, headers) => {
  await play(remembering())
  for (let i = 0; i < 2; i += 1) {
    broker.publish('orders', 'same', { headers: new Map(Object.entries(headers)) })
    await turns()
    await player.ackAll()
  }
  expect([player.texts, marks.size]).toEqual([['same', 'same'], 0])
})

test('messages without an id of their own are never taken for repeats', async () => {
  await play(remembering())
  for (let i = 0; i < 2; i += 1) {
    broker.publish('orders', 'same')
    await turns()
    await player.ackAll()
  }
  expect(player.texts).toEqual(['same', 'same'])
  expect(marks.size).toBe(0)
})

test('events keep their order while it is not known whether they are repeats', async () => {
  await play({ seen: () => new Promise((resolve) => void asked.push(resolve)), mark: async () => {} })
  for (const text of ['1', '2', '3', '4']) broker.publish('orders', text, { messageId: text })
  await turns()
  asked[2]?.(false)
  asked[1]?.(true)
  await turns()
  expect(player.texts).toEqual([])
  asked[0]?.(false)
  await turns()
  expect(player.texts).toEqual(['1', '3'])
  asked[3]?.(false)
  await turns()
  expect([player.texts, broker.queues.get('orders')?.acked]).toEqual([['1', '3', '4'], 1])
})

test('the answer lies with the broker before its message is acknowledged', async () => {
  await play(undefined, { reply: 'true' })
  broker.declare('answers')
  let refused = 0
  broker.refuse = (request, name) => {
    if (request !== 'publish' || name !== 'answers' || refused >= 3) return undefined
    refused += 1
    return new MillraceError('E_RABBITMQ_UNCONFIRMED', { exchange: '', key: name, reason: 'nack' })
  }
  broker.publish('orders', 'o1', { messageId: 'a', replyTo: 'answers', correlationId: 'c1' })
  await turns()
  const [hand] = player.inHand
  const acking = player.ack(hand)
  await turns()
  expect([refused, broker.queues.get('orders')?.acked, broker.queues.get('answers')?.ready.length]).toEqual([2, 0, 0])
  await player.clock.advanceAsync(500)
  await turns()
  await acking
  expect(broker.queues.get('orders')?.acked).toBe(1)
  const [answer] = broker.queues.get('answers')?.ready ?? []
  expect([new TextDecoder().decode(answer?.message.body), answer?.message.properties.correlationId]).toEqual(['re: o1', 'c1'])
})

test('a queue of answers that refuses them, since it is full, holds its message up for seconds and not for ever', async () => {
  await play(undefined, { reply: 'true', prefetch: '1' })
  broker.declare('full')
  let refused = 0
  broker.refuse = (request, name) => {
    if (request !== 'publish' || name !== 'full') return undefined
    refused += 1
    return new MillraceError('E_RABBITMQ_UNCONFIRMED', { exchange: '', key: name, reason: 'nack' }, new Error('message nacked'))
  }
  broker.publish('orders', 'o1', { messageId: 'a', replyTo: 'full' })
  broker.publish('orders', 'o2', { messageId: 'b' })
  await turns()
  const acking = player.ack(player.inHand[0])
  for (const waitMs of [500, 1000, 2000]) {
    await turns()
    await player.clock.advanceAsync(waitMs)
  }
  await turns()
  expect([refused, broker.queues.get('orders')?.acked]).toEqual([4, 0])
  await player.clock.advanceAsync(4000)
  await acking
  expect([refused, broker.queues.get('orders')?.acked, player.texts]).toEqual([5, 1, ['o1', 'o2']])
})

test('an answer that is not confirmed when its message is lost settles nothing', async () => {
  await play(undefined, { reply: 'true' })
  broker.declare('answers')
  broker.refuse = (request, name) =>
    request === 'publish' && name === 'answers'
      ? new MillraceError('E_RABBITMQ_UNCONFIRMED', { exchange: '', key: name, reason: 'nack' })
      : undefined
  broker.publish('orders', 'o1', { messageId: 'a', replyTo: 'answers' })
  await turns()
  const acking = player.ack(player.inHand[0])
  const refused = acking.then(
    () => undefined,
    (error: unknown) => error,
  )
  await turns()
  broker.cut(['consume'])
  await player.clock.advanceAsync(500)
  await turns()
  expect(await refused).toMatchObject({ code: 'E_RABBITMQ_UNCONFIRMED' })
  expect(broker.queues.get('orders')).toMatchObject({ acked: 0 })
})

test('no answer is published where the function does not want it, or the message has nowhere for it to go', async () => {
  await play(undefined)
  broker.declare('answers')
  broker.publish('orders', 'o1', { replyTo: 'answers' })
  await turns()
  await player.ackAll()
  await player.setFunctions([declared('f', ['orders'], { reply: 'true' })])
  broker.publish('orders', 'o2')
  await turns()
  await player.ackAll()
  expect([broker.queues.get('orders')?.acked, broker.queues.get('answers')?.ready.length]).toEqual([2, 0])
})
