import type { HeaderField } from '@millrace/sdk'

/** A partition of a topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** One record, as it lies in the log. Key, value and headers may be any bytes. */
export interface DriverRecord extends TopicPartition {
  /** 64 bits wide in Kafka, but it counts from 0: a safe integer for 285 years at a million records a second. */
  readonly offset: number
  /** Epoch milliseconds, of the producer or of the log, as the topic says; absent when the record has none. */
  readonly timestamp?: number | undefined
  /** `undefined`: no key. An empty key is a key. */
  readonly key: Uint8Array | undefined
  /** `undefined`: a tombstone. An empty value is a value. */
  readonly value: Uint8Array | undefined
  /** In their order; names may repeat. A header without a value has no bytes. */
  readonly headers: readonly HeaderField[]
}

/** Records of one partition that were fetched together, in the order of their offsets. */
export interface DriverBatch extends TopicPartition {
  /** The offset that was asked for: what lies before the first record and above it was compacted, filtered or deleted. */
  readonly from: number
  readonly records: readonly DriverRecord[]
  /** The offset to read next: above the last record, and above what was read and filtered (markers, aborted transactions). */
  readonly through: number
  /** The end of the log, as the broker said with this batch. */
  readonly highWatermark: number
}

/** What a position is committed with. */
export interface CommitItem extends TopicPartition {
  /** The offset to read next. */
  readonly offset: number
  /** At most 4096 bytes. Empty: none. */
  readonly metadata: string
}

/** A committed position. */
export interface CommittedOffset extends TopicPartition {
  /** -1: nothing is committed. Another negative number: a client asked for the beginning (-2) or the end. */
  readonly offset: number
  readonly metadata: string
}

/** First and next offset of a partition's log. */
export interface LogRange extends TopicPartition {
  readonly low: number
  readonly high: number
}

/** What a client learns of a topic before it subscribes. */
export type TopicState =
  | { readonly kind: 'ready'; readonly partitions: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'denied' }

/** A new assignment. */
export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  /** This member took part in every generation since the last assignment: nobody else can have held what it keeps. */
  readonly continuous: boolean
}

/**
 * What a group member calls. All of it is synchronous except `beforeJoin`; what a handler throws is the driver's to catch.
 */
export interface ConsumerHandlers {
  /** Takes a batch. False: not taken (frozen, or not ours); it is fetched again after the next assignment. */
  onBatch(batch: DriverBatch): boolean
  /** The log was read from at most `from` up to `through` without a record: only markers, or aborted transactions. */
  onSkipped(at: TopicPartition, from: number, through: number): void
  /** Ownership may go: stop what runs, commit. The join waits for it; it is called again when a join is repeated. */
  beforeJoin(): Promise<void>
  onAssigned(assignment: Assignment): void
  /** The position lies outside the log, and the driver is about to read from its beginning. */
  onOutOfRange(at: TopicPartition): void
  /** One cycle of fetching is over: the member lives. */
  onAlive(): void
  /** The member is gone and stays so; the reason is a `MillraceError`. Called once, never after `stop()`. */
  onLost(reason: Error): void
}

/** What one group member is made of. */
export interface ConsumerOptions extends ConsumerHandlers {
  readonly groupId: string
  /** They exist: a missing one would take the others down. */
  readonly topics: readonly string[]
}

/** One member of one group. */
export interface DriverConsumer {
  pause(at: readonly TopicPartition[]): void
  resume(at: readonly TopicPartition[]): void
  /** Read on from `offset`: takes effect with the next fetch, and what is on its way from elsewhere is thrown away. */
  seek(at: TopicPartition, offset: number): void
  /** Resolves when the broker has stored all of it. @throws MillraceError `E_KAFKA_COMMIT_FENCED` when a join decides, `E_KAFKA_COMMIT` otherwise */
  commit(items: readonly CommitItem[]): Promise<void>
  /** Leaves the group. Commits nothing: do that before. Bounded in time, never rejects. */
  stop(): Promise<void>
}

/** What a driver can do. */
export interface DriverCapabilities {
  /** Partitions that stay are not taken away in a join. */
  readonly cooperative: boolean
  readonly commitMetadata: boolean
  /** `beforeJoin` is really waited for. Without it a rebalance costs duplicates, never loss. */
  readonly awaitableRevoke: boolean
}

/**
 * A Kafka client as this connector needs it, and no more: another library takes kafkajs' place by implementing this.
 *
 * Every rejection is a `MillraceError` with an `E_KAFKA_*` code.
 */
export interface KafkaDriver {
  readonly capabilities: DriverCapabilities
  /** The SASL user of the last connection, for messages; `anonymous` without one. */
  readonly user: string
  /** Reaches the cluster; resolves with its id, which is part of every event's id. */
  connect(): Promise<string>
  /** Every topic that this user may see, internal ones included. */
  topics(): Promise<readonly string[]>
  /** What can be said of these topics, one by one: a missing one hides no other. */
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>>
  /** Where the logs of all partitions of these topics begin and end. */
  ranges(topics: readonly string[]): Promise<readonly LogRange[]>
  committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedOffset[]>
  /** Joins the group; resolves with the first assignment made. @throws as `onLost` would say, which is not called then */
  consume(options: ConsumerOptions): Promise<DriverConsumer>
  close(): Promise<void>
}

/** `topic/partition`: the name of an intake. A topic has no slash (Kafka allows letters, digits and `._-`). */
export const intakeOf = (at: TopicPartition): string => `${at.topic}/${at.partition}`
