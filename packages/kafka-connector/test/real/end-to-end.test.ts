import { silentLogger } from '@millrace/sdk'
import type { Connector, DeadLetter } from '@millrace/sdk'
import avro from 'avsc'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSchemaRegistry } from '../../../../test/servers/schema-registry.ts'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import type { KafkaDeadLetters, KafkaDeadLettersOptions } from '../../src/dead-letters/kafka-dead-letters.ts'
import { readKafkaLetters } from '../../src/dead-letters/read-kafka-letters.ts'
import { registryClient } from '../../src/registry/registry-client.ts'
import { valueDecoder } from '../../src/registry/value-decoder.ts'
import { Bench, bodies, numbered, uniqueName, until } from './kit.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)
afterEach(() => bench.close())

const sinkFor = (more: Partial<KafkaDeadLettersOptions> = {}): KafkaDeadLetters =>
  kafkaDeadLetters({
    connection: { brokers: bench.bootstrap, clientId: 'test', material: () => Promise.resolve({}) },
    logger: silentLogger,
    ...more,
  })

const lettersIn = async (topic: string): Promise<readonly DeadLetter[]> => {
  const letters: DeadLetter[] = []
  for await (const letter of readKafkaLetters({ connection: { brokers: bench.bootstrap }, topic })) letters.push(letter)
  return letters
}

/** Events that have ended: delivered, or in the dead letters. */
const settled = (connector: Connector): number => connector.stats().acked + connector.stats().dead

const headerOf = (request: { readonly headers: readonly (readonly [string, string])[] } | undefined, name: string): string | undefined =>
  request?.headers.find(([own]) => own.toLowerCase() === name.toLowerCase())?.[1]

it('a record that its function refuses is in the dead letters before it is committed, and the others go on', async () => {
  const topic = await bench.topic(2)
  const group = uniqueName('g')
  const refuse = (body: Buffer): boolean => Number(body.toString()) % 10 === 0
  const gateway = await bench.gateway({
    functions: { picky: { annotations: { topic }, handler: ({ body }) => ({ status: refuse(body) ? 400 : 200 }) } },
  })
  const { connector } = await bench.connect(gateway, group, { deadLetters: sinkFor() })
  await bench.publish(topic, numbered(0, 100, 20))
  await until(() => settled(connector) === 100, 'all are acknowledged')
  await connector.stop()
  const letters = await lettersIn(`${topic}.dlq`)
  expect(letters.map(({ event }) => Number(Buffer.from(event.data).toString())).toSorted((a, b) => a - b)).toEqual([
    0, 10, 20, 30, 40, 50, 60, 70, 80, 90,
  ])
  expect(letters[0]).toMatchObject({ function: 'picky.openfaas-fn', reason: 'rejected', attempts: 1, hops: 0, event: { topic } })
  expect((await bench.committed(group, topic)).reduce((sum, { offset }) => sum + offset, 0)).toBe(100)
}, 60_000)

it('a letter that is put back goes to the function that failed alone, with the id of the event', async () => {
  const topic = await bench.topic()
  let broken = true
  const gateway = await bench.gateway({
    functions: {
      good: { annotations: { topic } },
      bad: { annotations: { topic }, handler: () => ({ status: broken ? 400 : 200 }) },
    },
  })
  const { connector } = await bench.connect(gateway, uniqueName('g'), { deadLetters: sinkFor() })
  await bench.publish(topic, [{ value: 'x', key: 'k' }])
  await until(() => settled(connector) === 1, 'it is a letter')
  const [first] = gateway.requests
  broken = false
  gateway.clearRequests()
  const [letter] = await lettersIn(`${topic}.dlq`)
  const copy = { 'millrace-event-id': letter?.event.id ?? '', 'millrace-target': letter?.function ?? '', 'millrace-hops': '1' }
  await bench.publish(topic, [{ value: 'x', key: 'k', headers: copy }])
  await until(() => settled(connector) === 2, 'the copy is done')
  expect(gateway.requests.map(({ path }) => path)).toEqual(['/function/bad.openfaas-fn'])
  expect(headerOf(gateway.requests[0], 'X-Event-Id')).toBe(headerOf(first, 'X-Event-Id'))
}, 60_000)

it('T45 a topic of dead letters is never consumed, nor one whose letters have nowhere to go', async () => {
  const topic = await bench.topic()
  const letters = await bench.topic(1, `${topic}.dlq`)
  const orphan = await bench.topic()
  await bench.publish(letters, numbered(0, 3))
  await bench.publish(orphan, numbered(0, 3))
  await bench.publish(topic, numbered(10, 13))
  const gateway = await bench.gateway({ functions: { all: { annotations: { topic: `${topic},${letters},${orphan}` } } } })
  const errors: string[] = []
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message), child: () => logger }
  await bench.connect(gateway, uniqueName('g'), { deadLetters: sinkFor({ create: false }) }, { logger })
  await gateway.waitFor(3, 15_000)
  expect(bodies(gateway.requests)).toEqual(['10', '11', '12'])
  expect(new Set(errors.map((message) => message.split(' ')[0]))).toEqual(new Set(['E_KAFKA_LETTER_LOOP', 'E_KAFKA_LETTER_TOPIC_MISSING']))
}, 60_000)

it('tombstones, null keys, bytes that are not text and CloudEvents come as the table of headers says', async () => {
  const topic = await bench.topic()
  const producer = bench.client.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: [
      { key: 'gone', value: null },
      { key: null, value: '' },
      { key: Buffer.from([0, 255]), value: 'x', headers: { Offset: 'mine', odd: Buffer.from([0xff, 0x0a]), twice: ['1', '2'] } },
      {
        key: 'k',
        value: '{}',
        headers: { ce_specversion: '1.0', ce_id: '7', ce_source: '/s', ce_type: 't', 'content-type': 'application/json' },
      },
    ],
  })
  await producer.disconnect()
  const gateway = await bench.gateway({ functions: { fn: { annotations: { topic } } } })
  await bench.connect(gateway, uniqueName('g'))
  await gateway.waitFor(4, 15_000)
  const [tombstone, empty, odd, cloudEvent] = gateway.requests
  expect([headerOf(tombstone, 'X-Kafka-Tombstone'), tombstone?.body.length]).toEqual(['true', 0])
  expect([headerOf(empty, 'X-Kafka-Tombstone'), headerOf(empty, 'X-Kafka-Key')]).toEqual([undefined, undefined])
  expect(
    ['X-Kafka-Key', 'X-Kafka-Key-Enc', 'X-Kafka-Offset', 'X-Kafka-Header-Offset', 'X-Kafka-odd'].map((name) => headerOf(odd, name)),
  ).toEqual(['AP8=', 'b64', '2', 'mine', '%FF%0A'])
  expect(odd?.headers.filter(([name]) => name === 'X-Kafka-twice').map(([, value]) => value)).toEqual(['1', '2'])
  expect(['ce-id', 'ce-source', 'Content-Type', 'X-Event-Id'].map((name) => headerOf(cloudEvent, name))).toEqual([
    '7',
    '/s',
    'application/json',
    '/s|7',
  ])
}, 60_000)

it('values of a registry come as JSON, in order, also when it was down; what does not decode is a letter with its bytes', async () => {
  await using registry = await startSchemaRegistry()
  const schema = '{"type":"record","name":"A","fields":[{"name":"n","type":"int"}]}'
  const { id } = registry.register('s', { schema })
  const type = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
  const framed = (n: number): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), type.toBuffer({ n })])
  const topic = await bench.topic()
  const producer = bench.client.producer()
  await producer.connect()
  const broken = Buffer.from([0, 0, 0, 0, id, 0xff])
  await producer.send({
    topic,
    messages: [{ value: 'plain' }, { value: framed(1) }, { value: broken }, ...[2, 3, 4].map((n) => ({ value: framed(n) }))],
  })
  await producer.disconnect()
  registry.fault = { kind: 'status', status: 503 }
  const gateway = await bench.gateway({ functions: { fn: { annotations: { topic } } } })
  const { connector } = await bench.connect(gateway, uniqueName('g'), {
    deadLetters: sinkFor(),
    decoder: ({ clock, logger, signal }) => valueDecoder({ client: registryClient({ url: registry.url }), clock, logger, signal }),
  })
  await gateway.waitFor(1, 15_000)
  await until(() => registry.requests.length >= 2, 'the registry was asked again')
  expect([bodies(gateway.requests), connector.stats().dead]).toEqual([['plain'], 0])
  registry.fault = undefined
  await until(() => settled(connector) === 6, 'all are done')
  expect(bodies(gateway.requests)).toEqual(['plain', '{"n":1}', '{"n":2}', '{"n":3}', '{"n":4}'])
  const [letter] = await lettersIn(`${topic}.dlq`)
  expect([letter?.reason, Buffer.from(letter?.event.data ?? [])]).toEqual(['decode', broken])
}, 60_000)

it('records come together where a function wants batches, and the one that failed is the one that dies', async () => {
  const topic = await bench.topic()
  const gateway = await bench.gateway({
    functions: {
      fn: {
        annotations: {
          topic,
          'com.openfaas.connector.order': 'none',
          'com.openfaas.connector.batch-size': '10',
          'com.openfaas.connector.batch-window': '200ms',
          'com.openfaas.retry.attempts': '1',
        },
        handler: ({ body }) => {
          const items = JSON.parse(body.toString()) as { id: string; data?: unknown }[]
          const failed = items.filter((item) => JSON.stringify(item).includes('bad'))
          return {
            status: 200,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ batchItemFailures: failed.map((item) => ({ itemIdentifier: item.id })) }),
          }
        },
      },
    },
  })
  const { connector } = await bench.connect(gateway, uniqueName('g'), { deadLetters: sinkFor() })
  await bench.publish(
    topic,
    Array.from({ length: 20 }, (_, n) => ({ value: n === 7 ? 'bad' : `ok-${n}` })),
  )
  await until(() => settled(connector) === 20, 'all are done')
  expect(connector.stats().dead).toBe(1)
  expect(gateway.requests.length).toBeLessThan(12)
  expect(JSON.stringify(gateway.requests.map(({ body }) => body.toString()))).toContain('ok-19')
}, 60_000)
