import type { Delivery } from '@millrace/sdk'
import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MemoryBroker } from '../memory/broker.ts'
import { declared, denied, Player, Stage, turns } from './kit.ts'

leakGuard()

let stage: Stage
let broker: MemoryBroker

const play: Stage['play'] = (...args) => stage.play(...args)

beforeEach(() => {
  stage = new Stage()
  broker = stage.broker
})

afterEach(() => stage.clear())

test('RMQ-5: a queue deleted while it is consumed is declared and consumed again; its neighbour goes on', async () => {
  const player = await play([declared('f', ['orders', 'payments'])])
  broker.publish('orders', 'o1')
  broker.publish('payments', 'p1')
  await turns()
  expect(player.texts).toEqual(['o1', 'p1'])
  broker.delete('orders')
  await turns()
  expect(player.state('orders')).toBe('quarantined')
  expect(player.seen.map(({ left }) => left)).toEqual(['revoked', undefined])
  broker.publish('payments', 'p2')
  await player.ack(player.inHand[0])
  expect([player.texts.at(-1), broker.queues.get('payments')?.acked]).toEqual(['p2', 1])
  await player.clock.advanceAsync(1000)
  await turns()
  expect(player.state('orders')).toBe('consuming')
  broker.publish('orders', 'o2')
  await turns()
  expect(player.texts.at(-1)).toBe('o2')
  expect(player.lost).toBeUndefined()
})

test('RMQ-5: a right that is taken away and given back: waits that grow to a minute, and no other queue notices', async () => {
  const player = await play([declared('f', ['orders', 'payments'])])
  let failures = 0
  broker.refuse = (request, name) => {
    if (request !== 'consume' || name !== 'orders') return undefined
    failures += 1
    return denied()
  }
  const waits: number[] = []
  broker.delete('orders')
  await turns()
  for (let round = 0; round < 8; round += 1) {
    const before = failures
    const since = player.clock.monotonic()
    while (failures === before) {
      await player.clock.advanceAsync(100)
      await turns(6)
    }
    waits.push(player.clock.monotonic() - since)
  }
  // Half of each wait is at random.
  for (const [round, wait] of waits.entries()) {
    const ceiling = Math.min(1000 * 2 ** (round + 1), 60_000)
    expect(wait).toBeGreaterThanOrEqual(Math.max(1000, ceiling / 4))
    expect(wait).toBeLessThanOrEqual(ceiling)
  }
  expect(player.state('orders')).toBe('quarantined')
  expect(player.source.consumers().find(({ queue }) => queue === 'orders')?.problem).toContain('E_RABBITMQ_DENIED')
  broker.publish('payments', 'p1')
  await turns()
  expect(player.texts).toEqual(['p1'])
  broker.refuse = () => undefined
  broker.publish('orders', 'o1')
  await player.clock.advanceAsync(60_000)
  await turns()
  expect([player.state('orders'), player.texts.at(-1)]).toEqual(['consuming', 'o1'])
})

test('connect is refused while none of the queues can be consumed, and says why', async () => {
  broker.refuse = (request) => (request === 'consume' ? denied() : undefined)
  const player = new Player(broker, [declared('f', ['orders'])])
  stage.add(player)
  await expect(player.connect()).rejects.toMatchObject({ code: 'E_RABBITMQ_DENIED' })
  broker.refuse = () => undefined
  await player.connect()
  expect(player.state('orders')).toBe('consuming')
})

test('RMQ-4: a queue whose consume costs the connection gets one of its own, and its neighbours go on', async () => {
  broker.declare('bad')
  broker.refuse = (request, name) => (request === 'consume' && name === 'bad' ? 'connection' : undefined)
  const player = new Player(broker, [declared('f', ['bad', 'good'])])
  stage.add(player)
  await expect(player.connect()).rejects.toMatchObject({ code: 'E_RABBITMQ_CONNECTION' })
  // The second try has the bad queue apart.
  await player.connect()
  expect([player.state('bad'), player.state('good')]).toEqual(['quarantined', 'consuming'])
  expect(player.source.consumers().find(({ queue }) => queue === 'bad')?.isolated).toBe(true)
  for (let round = 0; round < 5; round += 1) {
    broker.publish('good', `g${round}`)
    await player.clock.advanceAsync(60_000)
    await turns()
  }
  expect(player.texts).toEqual(['g0', 'g1', 'g2', 'g3', 'g4'])
  expect(player.lost).toBeUndefined()
  broker.refuse = () => undefined
  broker.publish('bad', 'b1')
  // In steps: the clock must not run on while a new connection is made.
  for (let step = 0; step < 24 && player.state('bad') !== 'consuming'; step += 1) {
    await player.clock.advanceAsync(5000)
    await turns()
  }
  expect([player.state('bad'), player.texts.at(-1)]).toEqual(['consuming', 'b1'])
})

test('a consume that is never answered is given up, and the other queues do not wait for it', async () => {
  broker.declare('a-hangs')
  broker.refuse = (request, name) => (request === 'consume' && name === 'a-hangs' ? 'hang' : undefined)
  const player = new Player(broker, [declared('f', ['a-hangs', 'good'])], { times: { requestMs: 20_000 } })
  stage.add(player)
  const connecting = player.connect()
  await turns()
  await player.clock.advanceAsync(2000)
  await turns()
  expect(player.state('good')).toBe('consuming')
  await player.clock.advanceAsync(18_000)
  await connecting
  expect(player.state('a-hangs')).toBe('quarantined')
  expect(player.source.consumers().find(({ queue }) => queue === 'a-hangs')?.problem).toContain('E_RABBITMQ_NO_ANSWER')
})

test('T-late: a result that comes after its channel was lost acknowledges nothing', async () => {
  const player = await play([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  const [hand] = player.inHand
  // The consumer is lost and found; the message comes again, with a tag that the old one may share.
  const queue = broker.queues.get('orders')
  for (const outlet of queue?.outlets.slice() ?? []) outlet.cancelled()
  await turns()
  await player.clock.advanceAsync(1000)
  await turns()
  expect(player.texts).toEqual(['o1', 'o1'])
  await hand?.delivery.ack({ results: [] })
  await turns()
  expect(queue?.acked).toBe(0)
  await player.ackAll()
  expect(queue?.acked).toBe(1)
})

test('RMQ-6: under an alarm nothing new is taken in, and it goes on after it', async () => {
  const player = await play([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  // The broker tells of alarms only those who publish.
  expect(await player.source.defer?.(player.inHand[0]?.delivery as Delivery, [{ function: 'f', attempts: 1 }], 5000)).toBe(true)
  broker.alarm(true)
  await turns()
  broker.publish('orders', 'o2')
  await turns()
  expect(player.texts).toEqual(['o1'])
  await player.ackAll()
  expect(broker.queues.get('orders')?.acked).toBe(1)
  broker.alarm(false)
  await turns()
  expect(player.texts).toEqual(['o1', 'o2'])
})

test('a lost link ends the session with its reason, and the next one goes on', async () => {
  const player = await play([declared('f', ['orders'])])
  broker.publish('orders', 'o1')
  await turns()
  broker.cut(['consume'])
  await turns()
  expect(player.lost).toMatchObject({ code: 'E_RABBITMQ_CONNECTION' })
  expect(player.seen[0]?.left).toBe('lost')
  await player.connect()
  expect(player.texts).toEqual(['o1', 'o1'])
})

test('a consumer that cannot be made anew gives back what it held before the queue is consumed again', async () => {
  const player = await play([declared('f', [], { queue: 'auto', prefetch: '2' })])
  const queue = player.source.consumers()[0]?.queue ?? ''
  broker.publish(queue, 'o1')
  await turns()
  broker.refuse = (request) => (request === 'consume' ? 'hang' : undefined)
  await player.setFunctions([declared('f', [], { queue: 'auto', prefetch: '5' })])
  await player.clock.advanceAsync(500)
  await turns()
  expect([player.state(queue), player.seen[0]?.left]).toEqual(['quarantined', 'revoked'])
  broker.refuse = () => undefined
  await player.clock.advanceAsync(2000)
  await turns()
  expect([player.texts, player.state(queue)]).toEqual([['o1', 'o1'], 'consuming'])
})

test('functions that change while the first queues are declared are not missed', async () => {
  for (const queue of ['a-hangs', 'good', 'late']) broker.declare(queue)
  broker.refuse = (request, name) => (request === 'consume' && name === 'a-hangs' ? 'hang' : undefined)
  const player = new Player(broker, [declared('f', ['a-hangs', 'good'])])
  stage.add(player)
  const connecting = player.connect()
  await turns()
  await player.setFunctions([declared('f', ['a-hangs', 'good']), declared('g', ['late'])])
  expect(player.session).toBeUndefined()
  await player.clock.advanceAsync(500)
  await turns()
  await player.clock.advanceAsync(500)
  await connecting
  await player.clock.advanceAsync(10)
  await turns()
  expect(player.state('late')).toBe('consuming')
})
