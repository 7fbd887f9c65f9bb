import { describeError, MillraceError } from '@millrace/sdk'
import type { Logger } from '@millrace/sdk'
import { clientConfig } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import type { CommitItem, ConsumerOptions, DriverConsumer, TopicPartition } from './driver.ts'
import { gateJoins } from './join-gate.ts'
import { translateCommitError, translateError } from './kafka-errors.ts'
import type { ErrorPlace } from './kafka-errors.ts'
import { Kafka, PartitionAssigners } from './kafkajs.ts'
import type { Consumer, ConsumerConfig, EachBatchPayload, LogEntry, PartitionAssigner } from './kafkajs.ts'
import { readRecord } from './read-record.ts'
import { stickyAssigner } from './sticky-assigner.ts'

/** Times and sizes of a group member. */
export interface MemberOptions {
  /** Until the group takes a silent member for dead. @default 30000 */
  readonly sessionTimeoutMs: number
  /** How long a join waits for all members. @default 60000 */
  readonly rebalanceTimeoutMs: number
  /** @default 3000 */
  readonly heartbeatIntervalMs: number
  /** The longest a fetch waits for data; heartbeats and commits wait behind it. @default 250 */
  readonly maxWaitMs: number
  /** Of one fetch, over all partitions of a broker. @default 10485760 */
  readonly maxBytes: number
  /** @default 1048576 */
  readonly maxBytesPerPartition: number
  /** Until new partitions are seen. @default 300000 */
  readonly metadataMaxAgeMs: number
  readonly rackId?: string
}

const stopMs = 5000
/** What kafkajs logs when it is about to commit -2 and begin anew: it says so in no other way. */
const outOfRange = 'Offset out of range, resetting to default offset'

const grouped = (at: readonly TopicPartition[]): { topic: string; partitions: number[] }[] => {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of at) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

/** One kafkajs consumer with its fences. Made for one set of topics and thrown away with it: kafkajs cannot unsubscribe. */
export class KafkajsConsumer implements DriverConsumer {
  readonly #options: ConsumerOptions
  readonly #logger: Logger
  readonly #joined = Promise.withResolvers<void>()
  #place: ErrorPlace
  #consumer: Consumer | undefined
  #owned: readonly TopicPartition[] = []
  #memberId: string | undefined
  #generation = -1
  #gates = 0
  #over = false
  #hasJoined = false

  private constructor(options: ConsumerOptions, place: ErrorPlace, logger: Logger) {
    this.#options = options
    this.#place = place
    this.#logger = logger
  }

  /** Joins; resolves after the first assignment. @throws MillraceError */
  static async open(
    connection: ConnectionOptions,
    member: MemberOptions,
    options: ConsumerOptions,
    logger: Logger,
  ): Promise<KafkajsConsumer> {
    const place = { brokers: connection.brokers.join(','), user: 'anonymous', group: options.groupId }
    const opened = new KafkajsConsumer(options, place, logger)
    try {
      await opened.#open(connection, member)
      return opened
    } catch (error) {
      opened.#over = true
      await opened.#disconnect()
      throw translateError(error, opened.#place, 'E_KAFKA_CONSUMER')
    }
  }

  pause(at: readonly TopicPartition[]): void {
    this.#try('pause', () => at.length > 0 && this.#consumer?.pause(grouped(at)))
  }

  resume(at: readonly TopicPartition[]): void {
    this.#try('resume', () => at.length > 0 && this.#consumer?.resume(grouped(at)))
  }

  seek(at: TopicPartition, offset: number): void {
    this.#try('seek', () => this.#consumer?.seek({ ...at, offset: String(offset) }))
  }

  async commit(items: readonly CommitItem[]): Promise<void> {
    // Once it stops kafkajs resolves without having sent anything (1.3 row 7).
    if (this.#over || this.#consumer === undefined)
      throw new MillraceError('E_KAFKA_COMMIT_FENCED', { ...this.#place, reason: 'the member has left' })
    try {
      await this.#consumer.commitOffsets(
        items.map(({ topic, partition, offset, metadata }) => ({
          topic,
          partition,
          offset: String(offset),
          metadata: metadata === '' ? null : metadata,
        })),
      )
    } catch (error) {
      throw translateCommitError(error, this.#place)
    }
    // It may have begun to stop in the middle and swallowed the failure.
    if (this.#over) throw new MillraceError('E_KAFKA_COMMIT_FENCED', { ...this.#place, reason: 'the member left meanwhile' })
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#disconnect()
  }

  async #open(connection: ConnectionOptions, member: MemberOptions): Promise<void> {
    const { topics, groupId } = this.#options
    const { config, user } = await clientConfig(connection, this.#logger, (entry) => this.#onLog(entry))
    this.#place = { ...this.#place, user }
    // A client of its own: the cache of committed offsets belongs to the client and the group (1.3 row 22).
    this.#consumer = new Kafka(config).consumer(this.#config(groupId, member))
    this.#listen(this.#consumer)
    await this.#consumer.connect()
    // From the beginning, always: `false` would skip to the end when a position is out of range (1.3 row 8).
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: (payload) => this.#onBatch(payload),
    })
    await this.#joined.promise
  }

  #config(groupId: string, member: MemberOptions): ConsumerConfig {
    const gated: PartitionAssigner = ({ cluster }) => {
      if (!gateJoins(cluster, () => this.#beforeJoin())) this.#logger.warn('joins cannot be gated: a rebalance costs duplicates')
      return stickyAssigner(cluster, () => ({ owned: this.#owned, generation: this.#generation }))
    }
    return {
      groupId,
      // The second one lets members of another version of this connector into the group during a roll.
      partitionAssigners: [gated, PartitionAssigners.roundRobin],
      allowAutoTopicCreation: false,
      readUncommitted: false,
      sessionTimeout: member.sessionTimeoutMs,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      heartbeatInterval: member.heartbeatIntervalMs,
      metadataMaxAge: member.metadataMaxAgeMs,
      minBytes: 1,
      maxBytes: member.maxBytes,
      maxBytesPerPartition: member.maxBytesPerPartition,
      maxWaitTimeInMs: member.maxWaitMs,
      // Built anew by the supervisor, which first looks at topics and credentials.
      retry: { restartOnFailure: async () => false },
      ...(member.rackId !== undefined && { rackId: member.rackId }),
    }
  }

  #listen(consumer: Consumer): void {
    const { GROUP_JOIN, CRASH, END_BATCH_PROCESS, FETCH, HEARTBEAT, COMMIT_OFFSETS } = consumer.events
    // A listener that throws would throw inside kafkajs (1.3 row 21).
    consumer.on(GROUP_JOIN, ({ payload }) => this.#try('an assignment', () => this.#onJoin(payload.memberId, payload.memberAssignment)))
    consumer.on(CRASH, ({ payload }) => this.#try('a crash', () => this.#onCrash(payload.error)))
    consumer.on(FETCH, () => this.#try('a fetch', () => this.#options.onAlive()))
    for (const event of [HEARTBEAT, COMMIT_OFFSETS] as const) {
      consumer.on(event, ({ payload }: { payload: { groupGenerationId: number | string } }) => {
        this.#generation = Number(payload.groupGenerationId)
      })
    }
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      // Only markers or aborted transactions: they never come to `eachBatch` (1.3 row 14). A batch that was not taken comes here too, with its size.
      const { topic, partition, batchSize, firstOffset, lastOffset } = payload
      if (batchSize > 0 || lastOffset === null) return
      // Where the fetch began it does not say: at the first marker or before.
      this.#try('a skip', () => this.#options.onSkipped({ topic, partition }, Number(firstOffset ?? lastOffset), Number(lastOffset) + 1))
    })
  }

  async #beforeJoin(): Promise<void> {
    // Before the first join there is nothing to give up.
    if (!this.#hasJoined || this.#over) return
    this.#gates += 1
    try {
      await this.#options.beforeJoin()
    } catch (error) {
      this.#logger.error('the gate before a join failed', { error: describeError(error) })
    }
  }

  #onJoin(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    const partitions = Object.entries(assignment).flatMap(([topic, ids]) => ids.map((partition) => ({ topic, partition })))
    // More than one gate: a generation may have gone by in which another member had them (1.7).
    const continuous = this.#hasJoined && memberId === this.#memberId && this.#gates === 1
    this.#memberId = memberId
    this.#gates = 0
    this.#hasJoined = true
    this.#owned = partitions
    if (this.#over) return
    this.#options.onAssigned({ partitions, continuous })
    this.#joined.resolve()
  }

  #onCrash(error: Error): void {
    const reason = translateError(error, this.#place, 'E_KAFKA_CONSUMER')
    if (!this.#hasJoined) this.#joined.reject(reason)
    else if (!this.#over) {
      this.#over = true
      void this.#disconnect()
      this.#options.onLost(reason)
    }
  }

  // kafkajs awaits what a handler returns before it fetches on, so nothing is awaited here (1.3 row 1).
  #onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    if (this.#over || payload.isStale()) return Promise.resolve()
    const { topic, partition } = batch
    // A batch fetched before a join may be of a topic that is no longer ours; to resolve it would crash (1.3 row 20).
    if (!this.#owned.some((at) => at.topic === topic && at.partition === partition)) return Promise.resolve()
    const taken = this.#options.onBatch({
      topic,
      partition,
      // kafkajs' types leave it out.
      from: Number((batch as typeof batch & { readonly fetchedOffset: string }).fetchedOffset),
      records: batch.messages.map((message) => readRecord(topic, partition, message)),
      through: Number(batch.lastOffset()) + 1,
      highWatermark: Number(batch.highWatermark),
    })
    if (taken) payload.resolveOffset(batch.lastOffset())
    return Promise.resolve()
  }

  #onLog({ log }: LogEntry): void {
    if (log.message !== outOfRange || this.#over) return
    const { topic, partition } = log as unknown as TopicPartition
    this.#try('a position out of range', () => this.#options.onOutOfRange({ topic, partition }))
  }

  #try(what: string, run: () => unknown): void {
    try {
      run()
    } catch (error) {
      this.#logger.error(`${what} failed`, { error: describeError(error) })
    }
  }

  /** kafkajs waits for a fetch that is under way, and that may be a dead broker's: not for ever. */
  async #disconnect(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, stopMs)
    try {
      await Promise.race([this.#consumer?.disconnect(), late])
    } catch (error) {
      this.#logger.debug('a consumer did not leave cleanly', { error: describeError(error) })
    } finally {
      clearTimeout(timer)
    }
  }
}
