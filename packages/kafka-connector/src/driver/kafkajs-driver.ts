import type { Logger } from '@millrace/sdk'
import type { ConnectionOptions } from './connection.ts'
import type { ConsumerOptions, DriverConsumer, KafkaDriver } from './driver.ts'
import { KafkajsAdmin } from './kafkajs-admin.ts'
import { KafkajsConsumer } from './kafkajs-consumer.ts'
import type { MemberOptions } from './kafkajs-consumer.ts'

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
  return {
    capabilities: { cooperative: false, commitMetadata: true, awaitableRevoke: true },
    connect: () => admin.clusterId(),
    topics: () => admin.topics(),
    describe: (topics) => admin.describe(topics),
    ranges: (topics) => admin.ranges(topics),
    committed: (groupId, topics) => admin.committed(groupId, topics),
    consume: (options: ConsumerOptions): Promise<DriverConsumer> =>
      KafkajsConsumer.open(connection, { ...defaultMember, ...member }, options, logger),
    close: () => admin.close(),
  }
}
