import { Secret } from '@millrace/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withChannel } from '../../../../test/servers/rabbitmq.ts'
import { Bench, bodies, uniqueName, until } from './kit.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)

afterEach(() => bench.close())

const stateOf = (source: { consumers(): readonly { queue: string; state: string }[] }, queue: string): string | undefined =>
  source.consumers().find((consumer) => consumer.queue === queue)?.state

/** As the broker counts them. */
const consumersOf = (queue: string): Promise<number> =>
  withChannel(bench.broker.url(), async (channel) => (await channel.checkQueue(queue)).consumerCount)

test.each(['quorum', 'classic'] as const)(
  'RMQ-5: a %s queue deleted while it is consumed, and there again with other arguments',
  async (type) => {
    const [orders, payments] = [uniqueName('orders'), uniqueName('payments')]
    for (const queue of [orders, payments]) await bench.broker.declareQueue(queue, { type })
    const gateway = await bench.gateway({ functions: { f: { annotations: { topic: `${orders},${payments}` } } } })
    const { connector, source } = await bench.connect(gateway)
    await bench.broker.publish(orders, ['o1'])
    await until(() => bodies(gateway.requests).includes('o1'), 'the first message is delivered')
    await bench.broker.deleteQueue(orders)
    await until(() => stateOf(source, orders) === 'quarantined', 'the loss of the consumer is noticed')
    await bench.broker.publish(payments, ['p1'])
    await until(() => bodies(gateway.requests).includes('p1'), 'the neighbour goes on')
    expect(connector.notReady).toEqual([])
    await bench.broker.declareQueue(orders, { type: 'classic', arguments: { 'x-max-length': 100 } })
    await bench.broker.publish(orders, ['o2'])
    await until(() => bodies(gateway.requests).includes('o2'), 'the queue is consumed again')
    await bench.broker.awaitDepth(orders, { ready: 0, unacked: 0 })
  },
)

test('RMQ-5: a quorum queue that is deleted and made anew at once is consumed by both replicas, again and again', async () => {
  const queue = uniqueName('orders')
  await bench.broker.declareQueue(queue, { type: 'quorum' })
  bench.atEnd(() => bench.broker.deleteQueue(queue))
  const gateway = await bench.gateway({ functions: { f: { annotations: { topic: queue } } } })
  const often = { times: { checkMs: 150 } }
  const replicas = [await bench.connect(gateway, often), await bench.connect(gateway, often)]
  const consumed = (): Promise<void> =>
    until(() => replicas.every(({ source }) => stateOf(source, queue) === 'consuming'), 'both consume', 30_000)
  await consumed()
  for (let round = 0; round < 3; round += 1) {
    await bench.broker.deleteQueue(queue)
    await bench.broker.declareQueue(queue, { type: 'quorum' })
    await bench.broker.publish(queue, [`m${round}`])
    await until(() => bodies(gateway.requests).includes(`m${round}`), `message ${round} is delivered`, 30_000)
    // One may be forgotten behind the other: none of them stays so.
    await until(async () => (await consumersOf(queue)) === 2, `both consume after round ${round}`, 30_000)
    await consumed()
  }
}, 120_000)

test('RMQ-5: a right that is revoked and given back', async () => {
  const vhost = uniqueName('vhost')
  const user = { username: uniqueName('user'), password: 'pw' }
  await bench.broker.addVhost(vhost)
  bench.atEnd(() => bench.broker.deleteVhost(vhost))
  await bench.broker.addUser(user)
  const all = { configure: '', write: '', read: '.*' }
  await bench.broker.setPermissions(user.username, all, vhost)
  for (const queue of ['orders', 'payments']) await bench.broker.declareQueue(queue, { vhost })
  const gateway = await bench.gateway({ functions: { f: { annotations: { topic: 'orders,payments' } } } })
  const { source } = await bench.connect(gateway, {
    connection: {
      hosts: [{ host: '127.0.0.1', port: bench.broker.port }],
      vhost,
      material: () => Promise.resolve({ login: { username: user.username, password: new Secret(user.password) } }),
      connectionName: bench.name,
      maxDelayMs: 300,
    },
    topology: { declare: false, tiersMs: [] },
    deadLetters: false,
  })
  await until(() => stateOf(source, 'orders') === 'consuming' && stateOf(source, 'payments') === 'consuming', 'both queues are consumed')
  await bench.broker.setPermissions(user.username, { ...all, read: '^payments$' }, vhost)
  // Consumers that stand keep what they have: rights are looked at when something is asked for.
  // Made anew at once, the broker may keep the consumer, or forget it without a word.
  await bench.broker.deleteQueue('orders', vhost)
  await until(() => stateOf(source, 'orders') === 'quarantined', 'the loss of the consumer is noticed')
  await bench.broker.declareQueue('orders', { vhost })
  await until(() => source.consumers().some(({ problem }) => problem?.includes('E_RABBITMQ_DENIED')), 'the refusal is seen', 20_000)
  expect(stateOf(source, 'payments')).toBe('consuming')
  await bench.broker.setPermissions(user.username, all, vhost)
  await until(() => stateOf(source, 'orders') === 'consuming', 'it heals by itself', 20_000)
}, 60_000)

test('an ordered queue is worked on in order, over a change of the replica', async () => {
  const annotations = { 'com.openfaas.connector.queue': 'auto', 'com.openfaas.connector.single-active-consumer': 'true' }
  const gateway = await bench.gateway({ functions: { [uniqueName('f')]: { annotations } } })
  const first = await bench.connect(gateway)
  const second = await bench.connect(gateway)
  await until(() => [first, second].every(({ source }) => source.consumers()[0]?.state === 'consuming'), 'both replicas consume')
  const [{ queue } = { queue: '' }] = first.source.consumers()
  bench.atEnd(() => bench.broker.deleteQueue(queue))
  const texts = Array.from({ length: 60 }, (_, i) => `m${i}`)
  const publishing = bench.broker.publish(queue, texts.slice(0, 30))
  await until(() => gateway.requests.length >= 10, 'some are delivered')
  await first.connector.stop()
  await publishing
  await bench.broker.publish(queue, texts.slice(30))
  await until(() => new Set(bodies(gateway.requests)).size === 60, 'all are delivered')
  // What was in flight at the stop may come twice; nothing may come before what stands before it.
  const seen = new Set<string>()
  const firsts = bodies(gateway.requests).filter((text) => !seen.has(text) && seen.add(text).has(text))
  expect(firsts).toEqual(texts)
  await second.connector.stop()
})
