import type { HeaderField } from '@millrace/sdk'
import type { TopicPartition, TopicState } from './driver.ts'

/** A record to write, byte for byte. */
export interface OutgoingRecord {
  readonly key: Uint8Array | undefined
  /** `undefined`: a tombstone. */
  readonly value: Uint8Array | undefined
  readonly headers: readonly HeaderField[]
  /** Epoch milliseconds; absent: of the moment. */
  readonly timestamp?: number | undefined
}

/** An idempotent producer that waits for all replicas in sync. Good until its first rejection. */
export interface DriverProducer {
  /**
   * Writes to one partition, in order. Resolves with the offset of the first record as the broker gave it, or `undefined` when the answer
   * does not name the partition.
   *
   * @param packed compressed: brokers measure what they are sent, and what a producer had compressed may be too large as it is
   * @throws MillraceError `E_KAFKA_LETTER_*`; some of the records may be in the log nevertheless
   */
  send(at: TopicPartition, records: readonly OutgoingRecord[], packed: boolean): Promise<number | undefined>
  close(): Promise<void>
}

/** How a created topic should be. */
export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** -1: what the broker does by default. */
  readonly replicationFactor: number
  readonly config: ReadonlyMap<string, string>
}

/** What dead letters need of a Kafka client. Every rejection is a `MillraceError`. */
export interface LetterDriver {
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>>
  /** The settings of a topic, by name; `undefined` when this user may not read them. */
  config(topic: string): Promise<ReadonlyMap<string, string> | undefined>
  /** False: it exists already. */
  create(topic: NewTopic): Promise<boolean>
  producer(): Promise<DriverProducer>
  close(): Promise<void>
}
