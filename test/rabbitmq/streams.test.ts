import { expect, test } from 'vitest'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { rabbitmq, uniqueName } from '../servers/rabbitmq.ts'
import { redis } from '../servers/redis.ts'
import { bodiesOf, called, Stage } from './kit/stage.ts'

/** What a replica says of its stream. */
const isReader = async (connector: Connector): Promise<boolean> =>
  (await connector.metrics()).sum('millrace_rabbitmq_consumers', { state: 'consuming' }) === 1

test('two processes, one stream: one reads and the other stands by, and takes over where the first has stopped', async () => {
  const [broker, { url }] = await Promise.all([rabbitmq.shared(), redis.shared()])
  await using stage = await Stage.open(broker)
  const stream = uniqueName('s')
  await broker.declareQueue(stream, { type: 'stream', vhost: stage.vhost })
  const annotations = { topic: stream, 'com.openfaas.connector.queue-type': 'stream', 'com.openfaas.connector.stream-offset': 'first' }
  const gateway = await stage.gateway({ f: { annotations } })
  const env = { gateway_url: gateway.url, ...stage.place, state_url: url, state_prefix: uniqueName('lease') }
  const publish = (from: number, to: number): Promise<void> =>
    stage.publish(Array.from({ length: to - from }, (_, i) => ({ routingKey: stream, body: `m${from + i}` })))
  const first = await stage.start(env)
  await first.ready()
  const second = await stage.start(env)
  await second.ready()
  await publish(0, 40)
  await called(gateway, ['m39'], first)
  expect([await isReader(first), await isReader(second)]).toEqual([true, false])
  expect((await first.stop()).code).toBe(0)
  await publish(40, 60)
  await called(gateway, ['m59'], second)
  await waitUntil(() => isReader(second), { timeoutMs: 10_000, what: 'the second process reads' })
  // Nobody has read twice, and after a stop in good order nothing comes again.
  expect(bodiesOf(gateway).toSorted()).toEqual(Array.from({ length: 60 }, (_, i) => `m${i}`).toSorted())
  expect((await second.stop()).code).toBe(0)
}, 90_000)
