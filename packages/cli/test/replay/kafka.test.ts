import { kafkaDeadLetters } from '@millrace/kafka-connector'
import { silentLogger } from '@millrace/sdk'
import { fakeGateway } from '@millrace/sdk/testing'
import { beforeAll, expect, test } from 'vitest'
import { kafka, uniqueName } from '../../../../test/servers/kafka.ts'
import { folderOf, later, run } from '../kit.ts'
import { letterOf } from './letters.ts'

beforeAll(() => kafka.shared(), 120_000)

test('letters in a Kafka topic are delivered again, each to its function, and not a second time', async () => {
  const { bootstrap, createTopic } = await kafka.shared()
  const topic = uniqueName('replayed')
  await createTopic(topic)
  const sink = kafkaDeadLetters({
    connection: { brokers: bootstrap, clientId: 'test', material: () => Promise.resolve({}) },
    logger: silentLogger,
    topic,
  })
  await sink.write(letterOf('e-1', 'good.openfaas-fn'))
  await sink.write(letterOf('e-2', 'other.openfaas-fn'))
  await sink.close()
  const gateway = await fakeGateway({ functions: { good: {}, other: {} } })
  later(() => gateway.close())
  const replay = () => run(['replay', `kafka://${bootstrap[0]}/${topic}`, '--gateway', gateway.url, '--json'], { cwd })
  const cwd = folderOf()
  const first = await replay()
  expect(first.json(), first.err).toMatchObject({ letters: 2, delivered: 2, failed: 0, left: 0, unreadable: 0 })
  expect(new Set(gateway.requests.map(({ path }) => path))).toEqual(new Set(['/function/good.openfaas-fn', '/function/other.openfaas-fn']))
  const second = await replay()
  expect(second.json(), second.err).toMatchObject({ letters: 2, selected: 0, delivered: 0 })
  expect(gateway.requests).toHaveLength(2)
}, 90_000)

test('an address that is none is refused, and a topic that is not there is named', async () => {
  const { bootstrap } = await kafka.shared()
  for (const wrong of ['kafka://', 'kafka://host', 'kafka://host:1/', 'kafka://host:1/a b'])
    expect(await run(['replay', wrong])).toMatchObject({ code: 2 })
  const missing = await run(['replay', `kafka://${bootstrap[0]}/${uniqueName('none')}`], { cwd: folderOf() })
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('E_KAFKA_TOPIC_MISSING') as unknown })
}, 60_000)
