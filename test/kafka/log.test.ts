import { ConfigResourceTypes } from 'kafkajs'
import { beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../processes/wait-until.ts'
import { kafka, uniqueName, withAdmin, type SharedKafka } from '../servers/kafka.ts'
import { KafkaRun } from './kit/run.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

/** The cleaner looks five times a second for what it may clean, instead of every 15 s: no harm to others. */
const cleanOften = (brokers: readonly string[]): Promise<void> =>
  withAdmin({ brokers: [...brokers] }, async (admin) => {
    const configEntries = [{ name: 'log.cleaner.backoff.ms', value: '200' }]
    const nodes = (await admin.describeCluster()).brokers
    const resources = nodes.map(({ nodeId }) => ({ type: ConfigResourceTypes.BROKER, name: String(nodeId), configEntries }))
    await admin.alterConfigs({ validateOnly: false, resources })
  })

const timeout = 90_000
const body = (id: string, key: string, sequence: number): string => JSON.stringify({ id, key, sequence })

test.concurrent('T12 aborted transactions are never seen, markers hold up no commit', { timeout }, async () => {
  await using run = await KafkaRun.open({ brokers: server.bootstrap, partitions: 1 })
  const connector = await run.start()
  await connector.ready()
  const producer = run.client.producer({ transactionalId: uniqueName('tx'), idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let number = 0; number < 20; number++) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: run.topic, messages: [{ key: 'k', value: body(`tx-${number}`, 'k', number) }] })
    await (number % 2 === 0 ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
  // One record and one marker each, the last of them of an aborted transaction.
  await run.drained()
  expect((await run.logEnds()).get(0)).toBe(40)
  expect([...run.succeeded()]).toEqual(Array.from({ length: 10 }, (_, index) => `tx-${index * 2}`))
  expect(run.calls()).toHaveLength(10)
})

test.concurrent(
  'T12 gaps of compaction and tombstones: what is left comes once and in order, and the commit goes over the gaps',
  { timeout },
  async () => {
    const config = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01', 'max.compaction.lag.ms': '100' }
    await cleanOften(server.bootstrap)
    await using run = await KafkaRun.open({ brokers: server.bootstrap, partitions: 1, topicOptions: { config } })
    const producer = run.client.producer()
    await producer.connect()
    const send = (key: string, value: string | null): Promise<unknown> =>
      producer.send({ topic: run.topic, messages: [{ key, value, partition: 0 }] })
    for (let round = 0; round < 20; round++) for (const key of ['a', 'b', 'c']) await send(key, body(`${key}-${round}`, key, round))
    await send('c', null)
    // A new segment each time, so that the old ones may be cleaned.
    const left = async (): Promise<number> => {
      await send('filler', body('filler', 'filler', 0))
      const consumer = run.client.consumer({ groupId: uniqueName('count'), maxWaitTimeInMs: 100 })
      let count = 0
      let last = -1
      const end = (await run.logEnds()).get(0) ?? 0
      await consumer.connect()
      await consumer.subscribe({ topic: run.topic, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => {
          count++
          last = Number(message.offset)
        },
      })
      await waitUntil(() => last >= end - 1, { timeoutMs: 20_000, what: 'the end of the log' })
      await consumer.disconnect()
      return count
    }
    await waitUntil(async () => (await left()) < 30, { timeoutMs: 60_000, everyMs: 300, what: 'compaction' })
    await producer.disconnect()
    const connector = await run.start()
    await run.drained(60_000)
    const calls = run.calls()
    expect(calls.every(({ success }) => success)).toBe(true)
    expect(calls.length).toBeLessThan(35)
    for (const key of ['a', 'b']) expect(calls.filter((call) => call.key === key).at(-1)?.id).toBe(`${key}-19`)
    const metrics = await connector.metrics()
    expect(metrics.sum('millrace_conservation_drift')).toBe(0)
    expect(metrics.sum('millrace_events_dead_total')).toBe(0)
  },
)

test.concurrent(
  'T12 partitions are added under load, and a topic is deleted and made anew: what is in the new ones comes from its beginning',
  { timeout },
  async () => {
    await using run = await KafkaRun.open({ brokers: server.bootstrap, partitions: 2 })
    const connector = await run.start()
    const load = run.load({ perSecond: 100 })
    await run.waitForSuccesses(50)
    await withAdmin({ brokers: [...server.bootstrap] }, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: run.topic, count: 4 }] }),
    )
    const producer = run.client.producer()
    await producer.connect()
    const write = (partition: number, id: string): Promise<unknown> =>
      producer.send({ topic: run.topic, messages: [{ value: body(id, id, 0), partition }] })
    await waitUntil(
      () =>
        write(3, 'new-3').then(
          () => true,
          () => false,
        ),
      { timeoutMs: 20_000, what: 'the new partition' },
    )
    await waitUntil(() => run.succeeded().has('new-3'), {
      timeoutMs: 30_000,
      what: () => `the new partition to be consumed\n${connector.output().slice(-3000)}`,
    })
    await load.finish()
    await run.drained()
    const found = await run.report({ duplicateBound: 0, metrics: await connector.metrics() })
    expect(found.problems.filter((problem) => !problem.startsWith('never sent: 1 (new-3)'))).toEqual([])
    await withAdmin({ brokers: [...server.bootstrap] }, (admin) => admin.deleteTopics({ topics: [run.topic] }))
    await waitUntil(() => connector.logs().some((line) => line['code'] === 'E_KAFKA_TOPIC_MISSING'), {
      timeoutMs: 30_000,
      what: () => connector.output().slice(-3000),
    })
    await waitUntil(
      () =>
        server.createTopic(run.topic, { partitions: 2 }).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 20_000, everyMs: 200, what: 'the topic anew' },
    )
    await producer.disconnect()
    const again = run.client.producer()
    await again.connect()
    const anew = Array.from({ length: 20 }, (_, index) => `anew-${index}`)
    for (const [index, id] of anew.entries())
      await again.send({ topic: run.topic, messages: [{ value: body(id, id, 0), partition: index % 2 }] })
    await again.disconnect()
    await waitUntil(() => anew.every((id) => run.succeeded().has(id)), {
      timeoutMs: 40_000,
      what: () =>
        `the topic anew to be consumed; ${anew.filter((id) => !run.succeeded().has(id)).join()} are missing\n${connector.output().slice(-3000)}`,
    })
    expect(connector.running).toBe(true)
  },
)
