import type { Logger } from '@millrace/sdk'
import type { ConnectionOptions } from './connection.ts'
import type { ConsumerOptions, DriverConsumer, KafkaDriver, TopicState } from './driver.ts'
import { KafkajsAdmin } from './kafkajs-admin.ts'
import { KafkajsConsumer } from './kafkajs-consumer.ts'
import type { MemberOptions } from './kafkajs-consumer.ts'
import { probeDenied } from './read-probe.ts'

/** @see MemberOptions */
export const defaultMember: MemberOptions = {
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
  heartbeatIntervalMs: 3000,
  maxWaitMs: 250,
  maxBytes: 10_485_760,
  maxBytesPerPartition: 1_048_576,
  metadataMaxAgeMs: 300_000,
}

/** `KafkaDriver` by kafkajs 2.2.4, with a fence for each of its known faults: docs/kafka-faults.md. */
export const kafkajsDriver = (connection: ConnectionOptions, member: Partial<MemberOptions>, logger: Logger): KafkaDriver => {
  const admin = new KafkajsAdmin(connection, logger)
  /** Topics that a fetch was tried on. A right that is taken away crashes the member, and whoever makes a new one begins with none. */
  const readable = new Set<string>()
  const describe = async (topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>> => {
    const states = new Map(await admin.describe(topics))
    const unknown = [...states].filter(([topic, { kind }]) => kind === 'ready' && !readable.has(topic)).map(([topic]) => topic)
    if (unknown.length === 0) return states
    const denied = await probeDenied(connection, unknown, logger)
    for (const topic of unknown) {
      if (denied.has(topic)) states.set(topic, { kind: 'denied' })
      else readable.add(topic)
    }
    return states
  }
  return {
    capabilities: { cooperative: false, commitMetadata: true, awaitableRevoke: true },
    get user() {
      return admin.user
    },
    connect: () => admin.clusterId(),
    topics: () => admin.topics(),
    describe,
    ranges: (topics) => admin.ranges(topics),
    committed: (groupId, topics) => admin.committed(groupId, topics),
    consume: async (options: ConsumerOptions): Promise<DriverConsumer> => {
      const onLost = (reason: Error): void => {
        readable.clear()
        options.onLost(reason)
      }
      return KafkajsConsumer.open(connection, { ...defaultMember, ...member }, { ...options, onLost }, logger)
    },
    close: () => admin.close(),
  }
}
