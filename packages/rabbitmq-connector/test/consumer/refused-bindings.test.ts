import { leakGuard } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBroker } from '../memory/broker.ts'
import { declared, denied, Player, turns } from './kit.ts'

leakGuard()

let broker: MemoryBroker
let player: Player

const bound = (keys: string, exchange = 'shop') => declared('bill', [], { exchange, 'routing-keys': keys })
const queue = 'faas.openfaas-fn.bill'

/** In steps: what is asked of the broker needs turns to be answered, and must not be found late by a clock that runs ahead of it. */
const later = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 5000) {
    await player.clock.advanceAsync(Math.min(left, 5000))
    await turns()
  }
}

const publish = async (routingKey: string, body: string): Promise<void> => {
  broker.route({
    exchange: 'shop',
    routingKey,
    body: new TextEncoder().encode(body),
    properties: { deliveryMode: 2, headers: new Map() },
  })
  await turns()
}

const refused = (): number | undefined => player.source.consumers()[0]?.refusedBindings

beforeEach(() => {
  broker = new MemoryBroker()
  broker.exchange('shop', 'topic')
})

afterEach(async () => {
  await player.stopUnanswered()
  broker.close()
})

test('a new key that is refused stops nothing: the others go on, it is said once, and made when it may be', async () => {
  player = new Player(broker, [bound('orders.*')])
  await player.connect()
  let asked = 0
  broker.refuse = (request, name) => {
    if (request !== 'bind' || name !== 'secret.*') return undefined
    asked += 1
    return denied()
  }
  await player.setFunctions([bound('orders.*,parcels.*,secret.*')])
  expect([player.state(queue), refused()]).toEqual(['consuming', 1])
  expect(broker.bindings(queue)).toEqual(['orders.*', 'parcels.*'])
  await publish('parcels.eu', 'p1')
  expect(player.texts).toEqual(['p1'])
  const before = asked
  await later(300_000)
  // From a second to a minute, and no more often.
  expect(asked - before).toBeGreaterThan(8)
  expect(asked - before).toBeLessThan(40)
  expect(player.warned).toEqual(['E_RABBITMQ_BINDING_REFUSED'])
  broker.refuse = () => undefined
  await later(60_000)
  expect([broker.bindings(queue), refused(), player.state(queue)]).toEqual([['orders.*', 'parcels.*', 'secret.*'], undefined, 'consuming'])
  // What was in hand all the while is still there to be acknowledged.
  await player.ackAll()
  expect(broker.queues.get(queue)?.acked).toBe(1)
})

test('an exchange that is not there: the bindings of before stay until there is another way in', async () => {
  player = new Player(broker, [bound('orders.*')])
  await player.connect()
  await player.setFunctions([bound('orders.*', 'shop-2')])
  expect([player.state(queue), refused(), player.warned]).toEqual(['consuming', 1, ['E_RABBITMQ_BINDING_REFUSED']])
  await publish('orders.eu', 'o1')
  expect(player.texts).toEqual(['o1'])
  broker.exchange('shop-2', 'topic')
  await later(5000)
  expect([refused(), broker.bindings(queue)]).toEqual([undefined, ['orders.*']])
  // Only the new one is left.
  await publish('orders.eu', 'o2')
  expect(player.texts).toEqual(['o1'])
})

test('a queue that nothing leads to is in quarantine with the reason', async () => {
  player = new Player(broker, [bound('orders.*', 'nowhere')])
  await expect(player.connect()).rejects.toMatchObject({ code: 'E_RABBITMQ_NOT_DECLARED' })
})

test('asking again for what is refused costs the queue nothing, also when the broker does not answer', async () => {
  player = new Player(broker, [bound('orders.*')])
  await player.connect()
  broker.refuse = (request, name) => (request === 'bind' && name === 'secret.*' ? denied() : undefined)
  await player.setFunctions([bound('orders.*,secret.*')])
  await publish('orders.eu', 'o1')
  broker.refuse = (request) => (request === 'bind' ? 'hang' : undefined)
  await later(31_000)
  await later(31_000)
  expect([player.state(queue), player.inHand.length, player.revoked]).toEqual(['consuming', 1, []])
  await player.ackAll()
  expect(broker.queues.get(queue)?.acked).toBe(1)
})
