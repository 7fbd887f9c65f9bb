import { isMillraceError, silentLogger } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import { ConfigResourceTypes } from 'kafkajs'
import { expect, it } from 'vitest'
import { kafka, uniqueName, withAdmin } from '../../../../test/servers/kafka.ts'
import type { Broker, KafkaCluster } from '../../../../test/servers/kafka.ts'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import type { KafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import { readKafkaLetters } from '../../src/dead-letters/read-kafka-letters.ts'
import { recordToEvent } from '../../src/mapping/record-to-event.ts'
import { record } from '../mapping/records.ts'

const partitions = 3

const letterOf = (topic: string, offset: number): DeadLetter => ({
  event: recordToEvent(record({ topic, partition: offset % partitions, offset, value: Buffer.alloc(200, offset) }), { cluster: 'c' }).event,
  intake: `${topic}/0`,
  function: 'ship',
  reason: 'exhausted',
  detail: 'it failed',
  attempts: 1,
  history: [],
  diedAt: 1,
  hops: 0,
})

interface Load {
  readonly acknowledged: Set<string>
  /** Codes of refused writes. */
  readonly refused: Map<string, number>
  stop(): Promise<void>
}

/** Twenty writers, each of which writes a letter until it is acknowledged, as the runtime does, then the next. */
const writeLetters = (sink: KafkaDeadLetters, topic: string): Load => {
  const acknowledged = new Set<string>()
  const refused = new Map<string, number>()
  let [next, stopping] = [0, false]
  const writer = async (): Promise<void> => {
    while (!stopping) {
      const letter = letterOf(topic, next++)
      for (let done = false; !done && !stopping;) {
        try {
          await sink.write(letter)
          acknowledged.add(letter.event.id)
          done = true
        } catch (error) {
          const code = isMillraceError(error) ? error.code : String(error)
          refused.set(code, (refused.get(code) ?? 0) + 1)
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    }
  }
  const writers = Array.from({ length: 20 }, writer)
  return {
    acknowledged,
    refused,
    async stop() {
      stopping = true
      await Promise.all(writers)
    },
  }
}

const more = async (load: Load, letters: number): Promise<void> => {
  const wanted = load.acknowledged.size + letters
  await expect.poll(() => load.acknowledged.size, { timeout: 60_000, interval: 50 }).toBeGreaterThan(wanted)
}

const needReplicas = (cluster: KafkaCluster, topic: string, replicas: number): Promise<void> =>
  withAdmin({ brokers: [...cluster.bootstrap] }, async (admin) => {
    const configEntries = [{ name: 'min.insync.replicas', value: String(replicas) }]
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] })
  })

/** kill -9 of a leader; writes that are refused (NOT_ENOUGH_REPLICAS) while another one is down; leaders that move in a restart. */
const troubles = async (cluster: KafkaCluster, load: Load, topic: string): Promise<void> => {
  await more(load, 100)
  const leader = await cluster.leaderOf(topic)
  await leader.kill9()
  await more(load, 100)
  await leader.start()
  await more(load, 100)
  await needReplicas(cluster, topic, 3)
  const other = cluster.brokers.find((broker) => broker !== leader) as Broker
  await other.kill9()
  const refusals = (): number => load.refused.get('E_KAFKA_LETTER_WRITE') ?? 0
  await expect.poll(refusals, { timeout: 60_000, interval: 50 }).toBeGreaterThan(0)
  await other.start()
  await more(load, 100)
  await (await cluster.leaderOf(topic)).restart()
  await more(load, 100)
}

it('letters that were acknowledged are in the log, whatever happens to leaders and replicas', { timeout: 240_000 }, async () => {
  // Looks for what is too old every second: the records here are a year old, and their letters must stay.
  await using cluster = await kafka.cluster(3, {
    // And a broker that comes back after kill -9 waits until its old self is fenced, 9 s by default.
    properties: {
      'log.retention.check.interval.ms': '1000',
      'log.initial.task.delay.ms': '1000',
      'broker.session.timeout.ms': '2000',
      'broker.heartbeat.interval.ms': '500',
    },
  })
  const topic = uniqueName('faults')
  await cluster.createTopic(`${topic}.dlq`, { partitions, replicas: 3, config: { 'min.insync.replicas': '2' } })
  const connection = {
    brokers: cluster.bootstrap,
    clientId: 'test',
    material: () => Promise.resolve({}),
    requestTimeoutMs: 5000,
    connectionTimeoutMs: 1000,
  }
  const sink = kafkaDeadLetters({ connection, logger: silentLogger })
  const load = writeLetters(sink, topic)
  try {
    await troubles(cluster, load, `${topic}.dlq`)
  } finally {
    await load.stop()
    await sink.close()
  }
  const seen = new Map<string, number>()
  for await (const { event } of readKafkaLetters({ connection: { brokers: cluster.bootstrap }, topic: `${topic}.dlq` })) {
    seen.set(event.id, (seen.get(event.id) ?? 0) + 1)
  }
  const lost = [...load.acknowledged].filter((id) => !seen.has(id))
  const twice = [...seen.values()].filter((times) => times > 1).length
  process.stdout.write(
    `dead letters under faults: ${load.acknowledged.size} acknowledged, ${lost.length} lost, ${twice} twice; refused: ${JSON.stringify([...load.refused])}\n`,
  )
  expect(lost).toEqual([])
})
