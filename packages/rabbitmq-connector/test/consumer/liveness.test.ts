import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Liveness } from '../../src/consumer/liveness.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, Player, turns } from './kit.ts'

leakGuard()

let broker: MemoryBroker
let player: Player | undefined

beforeEach(() => {
  broker = new MemoryBroker()
  player = undefined
})

afterEach(async () => {
  await player?.stop()
  broker.close()
})

const state = (messages: number, consumers: number) => ({ queue: 'q', messages, consumers })

test('a queue without consumers has forgotten ours', () => {
  expect(new Liveness().look(state(0, 0), 5, true, false)).toBe('gone')
})

test('a queue that has messages and gives us none, though we have room, is consumed anew', () => {
  const liveness = new Liveness()
  expect(liveness.look(state(9, 2), 5, true, false)).toBe('alive')
  expect(liveness.look(state(9, 2), 6, true, false)).toBe('alive')
  expect(liveness.look(state(9, 2), 6, true, false)).toBe('doubtful')
  // It gets its time before it is doubted again.
  expect(liveness.look(state(0, 2), 6, true, false)).toBe('alive')
  expect(liveness.look(state(9, 2), 6, false, false)).toBe('alive')
})

test('a queue that others keep empty may have forgotten ours: it is consumed anew after ten looks', () => {
  const liveness = new Liveness()
  const verdicts = Array.from({ length: 24 }, () => liveness.look(state(0, 2), 6, true, false))
  expect(verdicts.flatMap((verdict, at) => (verdict === 'doubtful' ? [at] : []))).toEqual([10, 20])
})

test('in an ordered queue it may be the turn of another', () => {
  const liveness = new Liveness()
  const verdicts = Array.from({ length: 12 }, () => liveness.look(state(9, 2), 6, true, true))
  expect(verdicts.indexOf('doubtful')).toBe(10)
})

test('RMQ-5: a consumer that the broker has forgotten without a word is found', async () => {
  player = new Player(broker, [declared('f', ['orders'])], { times: { checkMs: 1000 } })
  await player.connect()
  broker.queues.get('orders')?.outlets.splice(0)
  broker.publish('orders', 'o1')
  await turns()
  expect([player.texts, player.state('orders')]).toEqual([[], 'consuming'])
  await player.clock.advanceAsync(1000)
  await turns()
  expect(player.state('orders')).toBe('quarantined')
  await player.clock.advanceAsync(1000)
  await turns()
  expect(player.texts).toEqual(['o1'])
})

test('one that is hidden behind another replica is found too, and a queue that lives by its consumers stays', async () => {
  broker.declare('orders', { autoDelete: true })
  player = new Player(broker, [declared('f', ['orders'])], { topology: { declareTopics: false }, times: { checkMs: 1000 } })
  await player.connect()
  const queue = broker.queues.get('orders')
  queue?.outlets.splice(0)
  // The other one has no room.
  queue?.outlets.push({ priority: 0, start: undefined, ready: () => false, take: () => {}, cancelled: () => {} })
  broker.publish('orders', 'o1')
  for (let look = 0; look < 2; look += 1) {
    await player.clock.advanceAsync(1000)
    await turns()
  }
  expect([player.texts, queue?.outlets.length]).toEqual([['o1'], 2])
})
