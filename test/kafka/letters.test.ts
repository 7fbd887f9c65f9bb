import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../processes/wait-until.ts'
import { kafka, readTopic, type KafkaCluster } from '../servers/kafka.ts'
import { KafkaRun } from './kit/run.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await kafka.cluster(3, {
    properties: { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' },
    heapMb: 256,
  })
}, 240_000)
afterAll(() => cluster?.stop(), 60_000)

test(
  'T4 K4 dead letters cannot be written for a while: nothing of them is acknowledged meanwhile, then all are there, once',
  { timeout: 180_000 },
  async () => {
    const keys = 20
    const perKey = 10
    await using run = await KafkaRun.open({
      brokers: cluster.bootstrap,
      partitions: 2,
      keys,
      behaviour: [{ key: 'k3', status: 422, body: 'never' }, { delayMs: [0, 20] }],
    })
    // All three replicas must have a letter: with one broker gone none can be written, while the topic itself goes on.
    await cluster.createTopic(`${run.topic}.dlq`, { partitions: 2, config: { 'min.insync.replicas': '3' } })
    await run.publish(keys * perKey)
    // The topic of positions comes with the first question.
    const asks = (): Promise<boolean> =>
      run.committed().then(
        () => true,
        () => false,
      )
    await waitUntil(asks, { timeoutMs: 30_000, what: 'the coordinator' })
    const coordinator = await cluster.leaderOf('__consumer_offsets')
    const victim = cluster.brokers.find((broker) => broker !== coordinator)
    await victim?.kill9()
    const connector = await run.start()
    await connector.ready(60_000)
    await run.waitForSuccesses((keys - 1) * perKey, 90_000)
    await waitUntil(() => connector.output().includes('E_KAFKA_LETTER_WRITE'), {
      timeoutMs: 60_000,
      what: () => `it to say why:\n${connector.output().slice(-3000)}`,
    })
    expect(await run.letterCount()).toBe(0)
    // The commit stands before the first letter of its partition, and order by key holds up the key behind it.
    const first = run.published().find((record) => record.kind === 'confirmed' && record.id === `${run.topic}-3`)
    const position = first?.kind === 'confirmed' ? first.position : undefined
    expect((await run.committed()).get(1)?.offset).toBeLessThanOrEqual(position?.offset ?? -1)
    expect(run.calls().filter(({ key }) => key === 'k3').length).toBe(1)
    await victim?.start()
    await run.drained(90_000)
    expect(await run.letterCount()).toBe(perKey)
    const letters = await readTopic(run.client, `${run.topic}.dlq`, perKey)
    const ids = letters.map(({ value }) => (JSON.parse(value ?? '{}') as { id?: string }).id ?? '')
    expect(ids).toEqual(Array.from({ length: perKey }, (_, index) => `${run.topic}-${3 + index * keys}`))
    const found = await run.report({
      letters: ids.map((id) => ({ id, function: 'orders' })),
      lettersExpected: true,
      duplicateBound: 0,
      metrics: await connector.metrics(),
    })
    expect(found.problems).toEqual([])
  },
)
