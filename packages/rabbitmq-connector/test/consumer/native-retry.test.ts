import { createConnector, silentLogger } from '@millrace/sdk'
import type { Target } from '@millrace/sdk'
import { fakeGateway, leakGuard, manualClock } from '@millrace/sdk/testing'
import type { ManualClock } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentObserver } from '../../src/consumer/observer.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { memorySource } from '../memory/kit.ts'
import type { MemoryQueue } from '../memory/queue.ts'
import { declared, Player, turns } from './kit.ts'

// The broker in memory does what RabbitMQ 4.3 is documented to do; no 4.3 server could be run.
leakGuard()

const own = declared('f', [], { queue: 'auto' })
const name = 'faas.openfaas-fn.f'

let clock: ManualClock
let broker: MemoryBroker
let players: Player[]

const play = async (version: string = '4.3.0', functions: readonly ReturnType<typeof declared>[] = [own]): Promise<Player> => {
  broker = players.length > 0 ? broker : new MemoryBroker({ version, clock })
  const player = new Player(broker, functions, { clock, topology: { nativeRetry: true } })
  players.push(player)
  await player.connect()
  return player
}

const queue = (of: string = name): MemoryQueue => {
  const found = broker.queues.get(of)
  if (found === undefined) throw new Error(`no queue ${of}`)
  return found
}

const target = (attempts: number, more: Partial<Target> = {}): Target => ({ function: 'f', attempts, firstAttemptAt: 7, ...more })

/** As the runtime does it: offered, and settled as deferred when it was taken. */
const defer = async (player: Player, route: Target, afterMs: number): Promise<boolean> => {
  const [hand] = player.inHand
  if (hand === undefined) throw new Error('nothing is in hand')
  const taking = player.source.defer?.(hand.delivery, [route], afterMs)
  await turns()
  const taken = (await taking) === true
  if (taken) await player.settle(hand, [{ target: route, outcome: 'deferred', status: 500 }])
  return taken
}

const pass = async (ms: number): Promise<void> => {
  await clock.advanceAsync(ms)
  await turns()
}

beforeEach(() => {
  clock = manualClock()
  players = []
})

afterEach(async () => {
  for (const player of players) await player.stop()
  broker.close()
})

test('a failed message is given back to its own queue, which gives it again after its wait: no copy is made', async () => {
  const player = await play()
  broker.publish(name, 'm', { messageId: 'a' })
  await turns()
  expect(await defer(player, target(5), 8000)).toBe(true)
  expect([queue().delayed.size, queue().unacked, queue().acked, queue(`${name}.retry.30s`).ready.length]).toEqual([1, 0, 0, 0])
  await pass(29_999)
  expect(player.texts).toEqual(['m'])
  await pass(1)
  expect(player.texts).toEqual(['m', 'm'])
  expect(player.inHand[0]?.delivery.event.id).toBe(player.seen[0]?.delivery.event.id)
  expect(player.inHand[0]?.delivery.targets).toEqual([target(5)])
  expect(await defer(player, target(6), 60_000)).toBe(true)
  await pass(59_999)
  expect(player.inHand).toEqual([])
  await pass(1)
  await player.ackAll()
  expect([queue().acked, queue().ready.length, queue().delayed.size]).toEqual([1, 0, 0])
})

test('another process knows how often it was given back, and counts that', async () => {
  const first = await play()
  broker.publish(name, 'm')
  await turns()
  await defer(first, target(5), 8000)
  await pass(30_000)
  await defer(first, target(6), 8000)
  await first.stop()
  const second = await play()
  await pass(60_000)
  expect(second.inHand[0]?.delivery.targets).toEqual([{ function: 'f', attempts: 2 }])
  await second.ackAll()
})

test('a drain gives a message back without a count', async () => {
  const first = await play()
  broker.publish(name, 'm')
  await turns()
  await first.stop()
  const second = await play()
  expect(second.inHand[0]?.delivery.targets).toEqual([{ function: 'f', attempts: 0 }])
  await second.ackAll()
})

test.each<readonly [string, Target, number]>([
  ['a wait that the queue would cut short', target(3), 30_001],
  ['a wait of the 404 clock, which counts no attempt', target(0, { waited: { clock: 'not-found', times: 4, notFoundSince: 7 } }), 8000],
  ['a route of another function', { function: 'g', attempts: 1 }, 8000],
])('%s goes to a delay queue', async (_what, route, afterMs) => {
  const player = await play()
  broker.publish(name, 'm')
  await turns()
  expect(await defer(player, route, afterMs)).toBe(true)
  expect([queue().delayed.size, queue().acked]).toEqual([0, 1])
  const tiers = [...broker.queues.values()].filter((each) => each.name.startsWith(`${name}.retry.`))
  expect(tiers.map(({ ready }) => ready.length).reduce((sum, count) => sum + count)).toBe(1)
})

test('below the delivery limit it changes to a delay queue: the broker never buries a message without a letter', async () => {
  const player = await play()
  broker.publish(name, 'm', { messageId: 'a' })
  await turns()
  for (let returns = 1; returns < 10; returns += 1) {
    expect(await defer(player, target(returns), 30_000)).toBe(true)
    expect(queue().delayed.size).toBe(1)
    await pass(30_000 * returns)
  }
  expect(await defer(player, target(10), 30_000)).toBe(true)
  expect([queue().delayed.size, queue().acked, queue(`${name}.dlq`).ready.length]).toEqual([0, 1, 0])
  await pass(30_000)
  // The copy begins its count anew, and says how many attempts there were.
  expect(player.inHand[0]?.delivery.targets).toEqual([target(10)])
  expect(await defer(player, target(11), 30_000)).toBe(true)
  expect(queue().delayed.size).toBe(1)
})

test.each(['4.2.9', '3.10.8'])('RabbitMQ %s is not asked for it', async (version) => {
  const player = await play(version)
  broker.publish(name, 'm')
  await turns()
  expect(await defer(player, target(5), 8000)).toBe(true)
  expect([queue().delayed.size, queue().acked, queue(`${name}.retry.30s`).ready.length]).toEqual([0, 1, 1])
})

test('a queue of several functions, and one that has other arguments, have delay queues alone', async () => {
  broker = new MemoryBroker({ version: '4.3.0', clock })
  broker.declare(name, { arguments: new Map([['x-queue-type', 'quorum']]) })
  broker.declare('orders', { arguments: new Map([['x-queue-type', 'quorum']]) })
  const player = new Player(broker, [own, declared('g', ['orders'])], { clock, topology: { nativeRetry: true, declareTopics: true } })
  players.push(player)
  await player.connect()
  for (const [each, route] of [
    [name, target(5)],
    ['orders', { function: 'g', attempts: 5 }],
  ] as const) {
    broker.publish(each, 'm')
    await turns()
    expect(await defer(player, route, 8000)).toBe(true)
    expect([queue(each).acked, queue(each).ready.length]).toEqual([1, 0])
  }
})

test('a queue that gives back at once what it should hold is asked no more: no hot loop', async () => {
  const player = await play()
  broker.publish(name, 'm', { messageId: 'a' })
  await turns()
  await defer(player, target(5), 8000)
  // What is documented does not hold.
  const [stored] = queue().delayed
  stored?.timer?.cancel()
  queue().delayed.clear()
  if (stored !== undefined) queue().ready.push(stored)
  queue().pump()
  await turns()
  expect(player.inHand[0]?.delivery.targets).toEqual([target(5)])
  expect(await defer(player, target(6), 8000)).toBe(true)
  expect([queue().delayed.size, queue().acked, queue(`${name}.retry.30s`).ready.length]).toEqual([0, 1, 1])
})

test('a count that a producer has written is nobody’s word', async () => {
  const player = await play()
  broker.publish(name, 'm', { headers: new Map([['x-delivery-count', 9]]) })
  await turns()
  expect(player.inHand[0]?.delivery.targets).toEqual([{ function: 'f', attempts: 0 }])
})

test('a message that is lost after its retry was taken comes again by the loss', async () => {
  const player = await play()
  broker.publish(name, 'm')
  await turns()
  const [hand] = player.inHand
  if (hand === undefined) throw new Error('nothing is in hand')
  expect(await player.source.defer?.(hand.delivery, [target(5)], 8000)).toBe(true)
  broker.cut(['consume'])
  await turns()
  expect(hand.left).toBe('lost')
  await player.connect()
  await turns()
  expect(player.texts).toEqual(['m'])
  // The broker counts the loss as a failure, and holds the message as one.
  await pass(30_000)
  expect(player.texts).toEqual(['m', 'm'])
})

test('all of it by the real runtime: as many calls as attempts, then a letter, and the neighbours go on', async () => {
  broker = new MemoryBroker({ version: '4.3.0' })
  let calls = 0
  const annotations = {
    'com.openfaas.connector.queue': 'auto',
    'com.openfaas.retry.attempts': '6',
    'com.openfaas.retry.min_wait': '10ms',
    'com.openfaas.retry.max_wait': '40ms',
  }
  const gateway = await fakeGateway({
    functions: {
      f: {
        annotations,
        handler: (call) => {
          if (call.text() !== 'bad') return undefined
          calls += 1
          broker.publish(name, `good ${calls}`)
          return { status: 500 }
        },
      },
    },
  })
  const returns: number[] = []
  const source = memorySource(broker, {
    topology: { nativeRetry: true, tiersMs: [20, 60] },
    observer: { ...silentObserver, deferred: (_, heldMs) => void returns.push(heldMs) },
  })
  const connector = createConnector({
    source,
    gateway: { url: gateway.url },
    rebuildIntervalMs: 100,
    logger: silentLogger,
    random: () => 0.999,
  })
  try {
    await connector.start()
    await expect.poll(() => source.consumers()[0]?.state).toBe('consuming')
    broker.publish(name, 'bad', { messageId: 'bad' })
    await expect.poll(() => queue().acked, { timeout: 10_000 }).toBe(7)
    const [letter] = queue(`${name}.dlq`).ready
    expect([calls, letter?.message.properties.headers.get('millrace-attempts')]).toEqual([6, '6'])
    expect(letter?.message.properties.headers.get('millrace-reason')).toBe('exhausted')
    const bad = gateway.requests.filter((request) => request.body.toString() === 'bad')
    expect(bad.map((request) => request.header('x-delivery-attempt'))).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(returns.toSorted((left, right) => left - right)).toEqual([60, 60, 60, 60])
    expect([queue().delayed.size, queue().unacked, queue().ready.length]).toEqual([0, 0, 0])
  } finally {
    await connector.stop()
    await gateway.close()
  }
})
