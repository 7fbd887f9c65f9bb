import { memoryState } from '@millrace/sdk'
import type { Lease, StateStore } from '@millrace/sdk'
import { leakGuard, manualClock } from '@millrace/sdk/testing'
import type { ManualClock } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, Player, turns } from './kit.ts'

leakGuard()

const reader = declared('f', [], { queue: 'events', 'queue-type': 'stream', 'stream-offset': 'first' })
const key = 'rabbitmq/stream/%2F/events'

let broker: MemoryBroker
let clock: ManualClock
let state: StateStore
let players: Player[]

const play = async (times: NonNullable<ConstructorParameters<typeof Player>[2]>['times'] = {}, wanting = reader): Promise<Player> => {
  const player = new Player(broker, [wanting], {
    clock,
    state: () => state,
    times: { checkpointMs: 1000, leaseMs: 30_000, checkMs: 5000, ...times },
  })
  players.push(player)
  await player.connect()
  return player
}

/** From now on leases pass through this hand. */
const leaseBy = (change: (lease: Lease | undefined) => Promise<Lease | undefined>): void => {
  const whole = state
  state = {
    ...whole,
    get: (name) => whole.get(name),
    put: (...put) => whole.put(...put),
    lease: async (name, ttl) => change(await whole.lease(name, ttl)),
    close: () => whole.close(),
  }
}

const publish = async (from: number, to: number): Promise<void> => {
  for (let i = from; i < to; i += 1) broker.publish('events', `m${i}`)
  await turns()
}

const checkpoint = async (): Promise<unknown> => {
  const found = await state.get(key)
  return found && JSON.parse(new TextDecoder().decode(found.value))
}

const declareStream = (): void => void broker.declare('events', { arguments: new Map([['x-queue-type', 'stream']]) })

beforeEach(() => {
  broker = new MemoryBroker()
  declareStream()
  clock = manualClock()
  state = memoryState({ clock })
  players = []
})

afterEach(async () => {
  for (const player of players) await player.stop()
  await state.close()
  broker.close()
})

test('the position moves over what is finished without a gap, a second after the first', async () => {
  const player = await play()
  await publish(0, 5)
  for (const index of [0, 1, 3, 4]) await player.ack(player.seen[index])
  expect(await checkpoint()).toBeUndefined()
  await clock.advanceAsync(1000)
  expect(await checkpoint()).toEqual({ offset: 2 })
})

test('the next process goes on at the position; what was finished above it runs again, and no more', async () => {
  const first = await play()
  await publish(0, 5)
  for (const index of [0, 1, 3]) await first.ack(first.seen[index])
  await first.stop()
  const second = await play()
  expect(second.texts).toEqual(['m2', 'm3', 'm4'])
})

test('after a loss within the process nothing runs again that was finished', async () => {
  const player = await play()
  await publish(0, 5)
  for (const index of [0, 1, 3]) await player.ack(player.seen[index])
  for (const outlet of broker.queues.get('events')?.outlets.slice() ?? []) outlet.cancelled()
  await turns()
  await clock.advanceAsync(1000)
  await turns()
  expect(player.texts.slice(5)).toEqual(['m2', 'm4'])
})

test('one reader at a time: the next one reads when the first has gone, from its position', async () => {
  const first = await play()
  const second = await play()
  await publish(0, 3)
  expect([first.texts, second.texts, second.state('events')]).toEqual([['m0', 'm1', 'm2'], [], 'standby'])
  await first.ackAll()
  await first.stop()
  await clock.advanceAsync(10_000)
  await publish(3, 4)
  expect([second.texts, second.state('events')]).toEqual([['m3'], 'consuming'])
})

test('a reader whose right has run out stops, and cannot move the position back', async () => {
  let away = false
  const whole = state
  const cut = (): never => {
    throw new Error('the store is away')
  }
  // The first reader cannot reach the store any more; its lease runs out there.
  state = {
    ...whole,
    lease: async (name, ttl) => {
      const lease = await whole.lease(name, ttl)
      return (
        lease && {
          ...lease,
          signal: new AbortController().signal,
          renew: async () => (away ? cut() : lease.renew()),
          release: () => lease.release(),
        }
      )
    },
    get: (name) => whole.get(name),
    put: (...put) => (away ? Promise.reject(new Error('away')) : whole.put(...put)),
    close: () => whole.close(),
  }
  const first = await play()
  await publish(0, 4)
  await first.ack(first.seen[0])
  await clock.advanceAsync(1000)
  expect(await checkpoint()).toEqual({ offset: 1 })
  away = true
  await clock.advanceAsync(31_000)
  state = whole
  const second = await play()
  await second.ackAll()
  await clock.advanceAsync(1000)
  expect(await checkpoint()).toEqual({ offset: 4 })
  away = false
  await first.ack(first.seen[1])
  await clock.advanceAsync(2000)
  await turns()
  expect(await checkpoint()).toEqual({ offset: 4 })
})

test('behind an unfinished message the broker gets no more credit than the span allows', async () => {
  const player = await play({ maxSpan: 30 })
  await publish(0, 200)
  for (let round = 0; round < 20; round += 1) for (const hand of player.inHand.slice(1)) await player.ack(hand)
  const stuck = player.seen.length
  expect(stuck).toBeLessThanOrEqual(30 + 20)
  await player.ack(player.seen[0])
  while (player.inHand.length > 0) await player.ackAll()
  expect(player.texts).toEqual(Array.from({ length: 200 }, (_, i) => `m${i}`))
})

test('a stream that was deleted and made anew is read from its first message', async () => {
  const first = await play()
  await publish(0, 50)
  while (first.inHand.length > 0) await first.ackAll()
  await first.stop()
  expect(await checkpoint()).toEqual({ offset: 50 })
  broker.delete('events')
  declareStream()
  await publish(100, 103)
  const second = await play()
  expect(second.texts).toEqual([])
  for (let i = 0; i < 40; i += 1) {
    await clock.advanceAsync(500)
    await turns()
  }
  expect(second.texts).toEqual(['m100', 'm101', 'm102'])
  await second.ackAll()
  await clock.advanceAsync(1000)
  expect(await checkpoint()).toEqual({ offset: 3 })
})

test('a checkpoint that is none of ours is no checkpoint', async () => {
  await state.put(key, new TextEncoder().encode('{"offset":-1}'), 'absent')
  await publish(0, 2)
  const player = await play()
  expect(player.texts).toEqual(['m0', 'm1'])
})

test('a reader that the broker has forgotten without a word is found by the end of the stream', async () => {
  const player = await play()
  await publish(0, 2)
  await player.ackAll()
  broker.queues.get('events')?.outlets.splice(0)
  await publish(2, 4)
  expect(player.texts).toEqual(['m0', 'm1'])
  for (let i = 0; i < 150; i += 1) {
    await clock.advanceAsync(500)
    await turns(10)
  }
  expect([player.texts, player.state('events')]).toEqual([['m0', 'm1', 'm2', 'm3'], 'consuming'])
})

test('a quiet stream is left alone', async () => {
  const player = await play()
  await publish(0, 2)
  await player.ackAll()
  for (let i = 0; i < 200; i += 1) {
    await clock.advanceAsync(500)
    await turns(10)
  }
  expect([player.texts, player.revoked]).toEqual([['m0', 'm1'], []])
})

test('a stream that is written to all the time hides no forgotten reader', async () => {
  const player = await play()
  await publish(0, 2)
  await player.ackAll()
  broker.queues.get('events')?.outlets.splice(0)
  for (let i = 2; i < 150; i += 1) {
    broker.publish('events', `m${i}`)
    await clock.advanceAsync(450)
    await turns(10)
    await player.ackAll()
  }
  expect(player.state('events')).toBe('consuming')
  expect(player.texts.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`))
})

test('where it begins with what comes next, that is written down with the first message: nothing of it is passed over', async () => {
  const next = declared('f', [], { queue: 'events', 'queue-type': 'stream', 'stream-offset': 'next' })
  await publish(0, 5)
  const first = await play({}, next)
  await publish(5, 7)
  expect(first.texts).toEqual(['m5', 'm6'])
  expect(await checkpoint()).toEqual({ offset: 5 })
  // As it dies: nothing of it was finished, and nothing is stored on the way out.
  broker.cut()
  await turns()
  await publish(7, 8)
  await first.connect()
  expect(first.texts.slice(2)).toEqual(['m5', 'm6', 'm7'])
})

test('a link that is lost while the right to read is asked for leaves it to the next session', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  leaseBy(async (lease) => {
    await answered
    return lease
  })
  const player = new Player(broker, [reader], { clock, state: () => state, times: { leaseMs: 30_000 } })
  players.push(player)
  const connecting = player.connect().catch((error: unknown) => error)
  await turns()
  broker.cut()
  await turns()
  answer()
  await connecting
  await turns()
  await player.connect()
  await publish(0, 1)
  expect([player.state('events'), player.texts]).toEqual(['consuming', ['m0']])
})

test('a right to read that ran out while the stream was declared is asked for anew', async () => {
  let expires = true
  const lost = new AbortController()
  leaseBy(async (lease) => {
    if (!expires) return lease
    expires = false
    broker.refuse = (request) => {
      if (request === 'declare') lost.abort()
      return undefined
    }
    await lease?.release()
    return lease && { ...lease, signal: lost.signal, renew: () => lease.renew(), release: () => lease.release() }
  })
  await expect(play()).rejects.toMatchObject({ code: 'E_RABBITMQ_STREAM_TAKEN' })
  await players[0]?.connect()
  await publish(0, 2)
  await players[0]?.ackAll()
  await clock.advanceAsync(1000)
  expect(await checkpoint()).toEqual({ offset: 2 })
})

test('a stream whose prefetch changes is read on at once, and what was in flight comes again alone', async () => {
  const player = await play()
  await publish(0, 4)
  for (const index of [0, 2]) await player.ack(player.seen[index])
  await player.setFunctions([declared('f', [], { queue: 'events', 'queue-type': 'stream', 'stream-offset': 'first', prefetch: '7' })])
  expect([player.state('events'), player.revoked]).toEqual(['consuming', ['events']])
  await publish(4, 5)
  expect(player.texts.slice(4)).toEqual(['m1', 'm3', 'm4'])
})

test('a stream that a function names as a queue is known by its messages, and read from a kept place once it is named as one', async () => {
  const player = await play({}, declared('f', [], { queue: 'events' }))
  await publish(0, 2)
  await player.ackAll()
  await clock.advanceAsync(5000)
  await turns()
  expect([player.state('events'), player.source.consumers()[0]?.problem]).toEqual([
    'quarantined',
    expect.stringMatching(/^E_RABBITMQ_IS_STREAM /),
  ])
  await player.setFunctions([reader])
  await clock.advanceAsync(1000)
  await turns()
  await publish(2, 3)
  expect([player.state('events'), player.texts]).toEqual(['consuming', ['m0', 'm1', 'm0', 'm1', 'm2']])
  await player.ackAll()
  await clock.advanceAsync(1000)
  await turns()
  expect(await checkpoint()).toEqual({ offset: 3 })
})
