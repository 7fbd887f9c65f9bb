import { createClient, kafka, uniqueName, type KafkaCluster } from '../../../test/servers/kafka.ts'
import { bareEachBatch } from './bare-kafkajs.ts'

/** What a topic is filled with. */
export interface TopicContent {
  readonly count: number
  /** @default 1 */
  readonly partitions?: number
  /** Keys in turn, `k0` to `k<keys - 1>`. @default 1000 */
  readonly keys?: number
  /** Size of each value. @default 1024 */
  readonly bytes?: number
}

/** A real broker of the benchmark's own, with the compiler that production has. */
export interface BenchBroker extends AsyncDisposable {
  readonly bootstrap: readonly string[]
  readonly cluster: KafkaCluster
  /** Makes a topic with these records in it and gives its name. */
  fill(content: TopicContent): Promise<string>
}

const perSend = 1000

/** @throws TestBedError when Java or Maven are missing, and says how to get them */
export const startBenchBroker = async (): Promise<BenchBroker> => {
  const cluster = await kafka.single({ secure: false, compiler: 'full', heapMb: 512 })
  const { bootstrap } = cluster
  const broker: BenchBroker = {
    bootstrap,
    cluster,
    fill: async ({ count, partitions = 1, keys = 1000, bytes = 1024 }) => {
      const topic = uniqueName('bench')
      await cluster.createTopic(topic, { partitions })
      const producer = createClient({ brokers: [...bootstrap] }).producer()
      await producer.connect()
      const value = Buffer.alloc(bytes, 'x')
      try {
        for (let from = 0; from < count; from += perSend) {
          const messages = Array.from({ length: Math.min(perSend, count - from) }, (_, i) => ({ key: `k${(from + i) % keys}`, value }))
          await producer.send({ topic, messages })
        }
      } finally {
        await producer.disconnect()
      }
      return topic
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  }
  // The first group of a fresh broker waits for its coordinator, which a measurement should not see.
  await bareEachBatch({ bootstrap, topic: await broker.fill({ count: 1 }), count: 1 })
  return broker
}
