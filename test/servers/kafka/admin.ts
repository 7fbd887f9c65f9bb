import { Kafka, logLevel, type Admin, type KafkaConfig } from 'kafkajs'
import { waitUntil } from '../../processes/wait-until.ts'

// Once per process and of no use here: the tests say which partition they mean.
process.env.KAFKAJS_NO_PARTITIONER_WARNING ??= '1'

/** A kafkajs client that says nothing and gives up soon, unless told otherwise. */
export const createClient = (config: KafkaConfig): Kafka =>
  new Kafka({ logLevel: logLevel.NOTHING, connectionTimeout: 5000, retry: { retries: 5 }, ...config })

/** Lends an administrator and takes it back: one left open would keep the process alive for ten minutes. */
export const withAdmin = async <T>(config: KafkaConfig, use: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = createClient(config).admin()
  try {
    await admin.connect()
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** The ids of the brokers that are up, as one of them sees it; none when it does not answer. */
export const brokersSeenBy = (address: string): Promise<readonly number[]> =>
  withAdmin({ brokers: [address], retry: { retries: 0 }, connectionTimeout: 1000, requestTimeout: 3000 }, async (admin) => {
    const { brokers } = await admin.describeCluster()
    return brokers.map(({ nodeId }) => nodeId)
  }).catch(() => [])

export interface TopicOptions {
  /** @default 1 */
  readonly partitions?: number
  /** @default all brokers */
  readonly replicas?: number
  /** Such as `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>>
}

/** Makes a topic and waits until every partition has a leader. */
export const createTopic = (brokers: readonly string[], topic: string, options: TopicOptions = {}): Promise<void> =>
  withAdmin({ brokers: [...brokers] }, async (admin) => {
    const entries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }))
    const made = await admin.createTopics({
      // kafkajs' own wait fails when the broker it asks has not heard of the topic yet.
      waitForLeaders: false,
      topics: [{ topic, numPartitions: options.partitions ?? 1, replicationFactor: options.replicas ?? -1, configEntries: entries }],
    })
    if (!made) throw new Error(`the topic ${topic} exists`)
    const look = async (): Promise<boolean> => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }))
      const partitions = topics[0]?.partitions ?? []
      return partitions.length === (options.partitions ?? 1) && partitions.every(({ leader }) => leader >= 0)
    }
    await waitUntil(look, { timeoutMs: 30_000, everyMs: 20, what: `leaders of ${topic}` })
  })

/** The node id of a partition's leader. */
export const leaderOf = (brokers: readonly string[], topic: string, partition: number): Promise<number> =>
  withAdmin({ brokers: [...brokers] }, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1
  })

/** What a group has committed: partition to next offset; -1 where nothing is. */
export const committedOf = (brokers: readonly string[], groupId: string, topic: string): Promise<ReadonlyMap<number, number>> =>
  withAdmin({ brokers: [...brokers] }, async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return new Map((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
  })
