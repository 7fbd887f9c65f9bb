import type { Logger } from '@millrace/sdk'
import { clientConfig } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import { topicStateOf } from './kafka-errors.ts'
import { Kafka, PartitionAssigners } from './kafkajs.ts'
import type { Cluster } from './kafkajs.ts'

/** What kafkajs' brokers can do and its types do not say. */
interface FetchingBroker {
  fetch(request: {
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[]
    }[]
  }): Promise<unknown>
}

const readCommitted = 1

/** A cluster without a group: a consumer's assigners are made with it before anything is connected. */
const clusterOf = (kafka: Kafka): Cluster | undefined => {
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (config) => {
        found = config.cluster
        return PartitionAssigners.roundRobin(config)
      },
    ],
  })
  return found
}

const isDenied = async (cluster: Cluster, topic: string): Promise<boolean> => {
  try {
    await cluster.addTargetTopic(topic)
    const [first] = cluster.findTopicPartitionMetadata(topic)
    if (first === undefined) return false
    const broker = (await cluster.findBroker({ nodeId: String(first.leader) })) as unknown as FetchingBroker
    const partitions = [{ partition: first.partitionId, fetchOffset: '0', maxBytes: 1 }]
    await broker.fetch({ maxWaitTime: 0, minBytes: 0, maxBytes: 1, isolationLevel: readCommitted, topics: [{ topic, partitions }] })
    return false
  } catch (error) {
    // Offset 0 may be out of range, a leader may be moving: that is no question of rights.
    return topicStateOf(error) === 'denied'
  }
}

/**
 * Which of these topics this user may see but not read: a fetch of one byte each. Metadata do not tell, and a consumer that meets such a
 * topic is down with all its others, without a word about which one it was.
 *
 * @returns the denied ones; none when nothing could be found out
 */
export const probeDenied = async (options: ConnectionOptions, topics: readonly string[], logger: Logger): Promise<ReadonlySet<string>> => {
  const denied = new Set<string>()
  const { config } = await clientConfig(options, logger)
  const cluster = clusterOf(new Kafka(config))
  if (cluster === undefined) return denied
  try {
    await cluster.connect()
    for (const topic of topics) if (await isDenied(cluster, topic)) denied.add(topic)
  } catch {
    // The requests that follow say what is wrong with the connection.
  } finally {
    await cluster.disconnect().catch(() => {})
  }
  return denied
}
