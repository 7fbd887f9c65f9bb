import { createTopic, type TopicOptions } from './kafka/admin.ts'
import type { KafkaAddresses } from './kafka/addresses.ts'
import { startKafka, type KafkaCluster, type KafkaOptions } from './kafka/cluster.ts'
import { findShared } from './supervisor.ts'

export { committedOf, createClient, createTopic, withAdmin, type TopicOptions } from './kafka/admin.ts'
export { oauthToken, type Credentials, type KafkaAddresses, type SecureAddresses } from './kafka/addresses.ts'
export { readTopic, type ReadRecord } from './kafka/read-topic.ts'
export { uniqueName } from './unique-name.ts'
export type { Broker } from './kafka/broker.ts'
export type { Certificates, KeyPair, ServerCertificate } from './certificates.ts'
export type { KafkaCluster, KafkaOptions } from './kafka/cluster.ts'

/** The server that the whole run shares: nobody may stop it, hold it up, or count on being alone. */
export interface SharedKafka extends KafkaAddresses {
  readonly secure: NonNullable<KafkaAddresses['secure']>
  /** Makes a topic; `uniqueName` gives one that nobody else has. */
  createTopic(topic: string, options?: TopicOptions): Promise<void>
}

let ours: Promise<KafkaAddresses> | undefined

const shared = async (): Promise<SharedKafka> => {
  ours ??= findShared('kafka', () => startKafka(1, { secure: true }))
  const addresses = await ours
  if (addresses.secure === undefined) throw new Error('the shared server has no secure doors')
  return {
    ...addresses,
    secure: addresses.secure,
    createTopic: (topic, options) => createTopic(addresses.bootstrap, topic, options),
  }
}

/**
 * Real Kafka brokers. All of these throw a `TestBedError` that says what to install when they cannot be had.
 *
 *     const { bootstrap, createTopic } = await kafka.shared()   // for most tests
 *     await using server = await kafka.single()                 // for tests that break it
 *     await using three = await kafka.cluster(3)
 */
export const kafka = {
  /** One broker with all doors, started once a run. Outside of vitest: once a process, and it ends with the process. */
  shared,
  /** One broker of your own, with all doors unless `secure` is false. */
  single: (options: KafkaOptions = {}): Promise<KafkaCluster> => startKafka(1, { secure: true, ...options }),
  /** Brokers of your own, with the plain doors alone unless `secure` is true. */
  cluster: (nodes: number, options: KafkaOptions = {}): Promise<KafkaCluster> => startKafka(nodes, options),
} as const
