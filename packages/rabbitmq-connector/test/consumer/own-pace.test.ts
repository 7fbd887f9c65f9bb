import { MillraceError } from '@millrace/sdk'
import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MemoryBroker } from '../memory/broker.ts'
import { declared, Player, Stage, turns } from './kit.ts'

leakGuard()

let stage: Stage
let broker: MemoryBroker

const play: Stage['play'] = (...args) => stage.play(...args)

beforeEach(() => {
  stage = new Stage()
  broker = stage.broker
})

afterEach(() => stage.clear('stopUnanswered'))

/** Nothing of the broker's answers comes for these queues. */
const hang =
  (...queues: readonly string[]): MemoryBroker['refuse'] =>
  (_, name) =>
    queues.includes(name) ? 'hang' : undefined

const patient = { times: { requestMs: 30_000, drainMs: 10_000 } }

test('a queue that is never declared holds up no later plan of the others', async () => {
  const player = await play([declared('f', ['good'])], patient)
  broker.refuse = hang('hangs')
  await player.setFunctions([declared('f', ['good', 'hangs'])])
  expect(player.state('hangs')).toBe('declaring')
  await player.setFunctions([declared('f', ['good', 'hangs', 'later'])])
  expect(player.state('later')).toBe('consuming')
  await player.setFunctions([declared('f', ['good', 'hangs'])])
  expect(player.state('later')).toBeUndefined()
})

test('a start waits for a queue that is never declared no longer than two seconds, once another one is consumed', async () => {
  broker.refuse = hang('hangs')
  const player = new Player(broker, [declared('f', ['good', 'hangs'])], patient)
  stage.add(player)
  const connecting = player.connect()
  await turns()
  await player.clock.advanceAsync(1999)
  await turns()
  expect(player.session).toBeUndefined()
  await player.clock.advanceAsync(1)
  await connecting
  expect([player.state('good'), player.state('hangs')]).toEqual(['consuming', 'declaring'])
})

test('a queue that drains holds up no later plan, and is consumed anew when it is wanted again before it has left', async () => {
  broker.refuse = hang('stuck')
  const player = new Player(broker, [declared('f', ['good', 'stuck'])], patient)
  stage.add(player)
  const connecting = player.connect()
  await turns()
  await player.clock.advanceAsync(2000)
  await connecting
  // Its consumer cannot leave before the broker has answered, or its time is up.
  await player.setFunctions([declared('f', ['good'])])
  expect(player.state('stuck')).toBe('draining')
  await player.setFunctions([declared('f', ['good', 'stuck', 'later'])])
  expect([player.state('later'), player.state('stuck')]).toEqual(['consuming', 'draining'])
  broker.refuse = () => undefined
  await player.clock.advanceAsync(30_000)
  await turns()
  expect(player.state('stuck')).toBe('consuming')
})

test('a queue that nobody wants any more gets no connection of its own, and one that has it loses it', async () => {
  broker.declare('bad')
  const player = await play([declared('f', ['good'])])
  broker.refuse = (request, name) => (request === 'consume' && name === 'bad' ? 'hang' : undefined)
  await player.setFunctions([declared('f', ['bad', 'good'])])
  await player.setFunctions([declared('f', ['good'])])
  // Not answered in time: laid at its door, while it was leaving.
  await player.clock.advanceAsync(500)
  await turns()
  expect(player.state('bad')).toBeUndefined()
  expect([...broker.links].filter(({ role }) => role === 'probe')).toEqual([])
  // The link goes as well; the broker may say so later than it closes the consume.
  broker.cut(['consume'])
  await turns()
  await player.connect()
  expect([...broker.links].filter(({ role }) => role === 'probe')).toEqual([])
})

test('a queue that was set apart in a session before, and that nobody wants in the next one', async () => {
  broker.declare('bad')
  broker.refuse = (request, name) => (request === 'consume' && name === 'bad' ? 'connection' : undefined)
  const player = new Player(broker, [declared('f', ['bad', 'good'])])
  stage.add(player)
  await expect(player.connect()).rejects.toBeInstanceOf(MillraceError)
  expect([...broker.links].filter(({ role }) => role === 'probe')).toHaveLength(1)
  await player.setFunctions([declared('f', ['good'])])
  await player.connect()
  expect([...broker.links].filter(({ role }) => role === 'probe')).toEqual([])
})
