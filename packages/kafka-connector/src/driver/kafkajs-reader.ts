import { randomUUID } from 'node:crypto'
import type { Logger } from '@millrace/sdk'
import { MillraceError } from '@millrace/sdk'
import { clientConfig } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import type { DriverRecord } from './driver.ts'
import { translateError } from './kafka-errors.ts'
import type { ErrorPlace } from './kafka-errors.ts'
import { KafkajsAdmin } from './kafkajs-admin.ts'
import { Kafka } from './kafkajs.ts'
import type { Consumer, EachBatchPayload } from './kafkajs.ts'
import { readRecord } from './read-record.ts'

/** What is read, and by whom. */
export interface ReadTopicOptions {
  readonly connection: ConnectionOptions
  readonly topic: string
  /** kafkajs reads by a group alone. It commits nothing, so nothing of it stays. @default `millrace-read-` and a random id */
  readonly group?: string
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/** Records in memory, at most about so many beyond one fetch. */
const highWater = 1000

/** Records between a consumer that pushes and a caller that pulls. Its end is where the logs ended at the start. */
class Reading {
  readonly #topic: string
  /** By partition: the next offset wanted, and where to stop. */
  readonly #open = new Map<number, { next: number; readonly end: number }>()
  #records: DriverRecord[] = []
  #paused = false
  #failure: Error | undefined
  #wake: () => void = () => {}
  consumer: Consumer | undefined

  constructor(topic: string, ranges: readonly { readonly partition: number; readonly low: number; readonly high: number }[]) {
    this.#topic = topic
    for (const { partition, low, high } of ranges) if (low < high) this.#open.set(partition, { next: low, end: high })
  }

  get done(): boolean {
    return this.#open.size === 0
  }

  take(payload: EachBatchPayload): void {
    const { batch } = payload
    const part = this.#open.get(batch.partition)
    for (const message of batch.messages) {
      const offset = Number(message.offset)
      // After a join kafkajs begins anew: what was read already is passed over.
      if (part === undefined || offset < part.next || offset >= part.end) continue
      this.#records.push(readRecord(batch.topic, batch.partition, message))
      part.next = offset + 1
    }
    payload.resolveOffset(batch.lastOffset())
    this.advance(batch.partition, Number(batch.lastOffset()) + 1)
    if (this.#records.length >= highWater && !this.#paused) {
      this.#paused = true
      this.consumer?.pause([{ topic: this.#topic }])
    }
  }

  /** Also over what has no records: markers, aborted transactions, compacted offsets. */
  advance(partition: number, through: number): void {
    const part = this.#open.get(partition)
    if (part !== undefined && through >= part.end) this.#open.delete(partition)
    this.#wake()
  }

  fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  async next(): Promise<DriverRecord[]> {
    while (this.#records.length === 0 && !this.done && this.#failure === undefined)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#failure !== undefined) throw this.#failure
    const records = this.#records
    this.#records = []
    if (this.#paused && !this.done) {
      this.#paused = false
      this.consumer?.resume([{ topic: this.#topic }])
    }
    return records
  }
}

const start = async (consumer: Consumer, reading: Reading, topic: string, place: ErrorPlace): Promise<void> => {
  const { CRASH, END_BATCH_PROCESS } = consumer.events
  consumer.on(CRASH, ({ payload }) => {
    if (!payload.restart) reading.fail(translateError(payload.error, place))
  })
  consumer.on(END_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize === 0 && payload.lastOffset !== null) reading.advance(payload.partition, Number(payload.lastOffset) + 1)
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (payload) => Promise.resolve(reading.take(payload)) })
}

/**
 * Every record of a topic from its beginning to where it ended when the reading began; within a partition in order, once each.
 *
 * @throws MillraceError `E_KAFKA_*`
 */
export async function* readTopic(options: ReadTopicOptions): AsyncGenerator<DriverRecord, void> {
  const { connection, topic, logger, signal } = options
  const admin = new KafkajsAdmin(connection, logger)
  const brokers = connection.brokers.join(',')
  const { config, user } = await clientConfig(connection, logger)
  const group = options.group ?? `millrace-read-${randomUUID()}`
  const place = { brokers, user, group }
  let reading: Reading
  try {
    const state = (await admin.describe([topic])).get(topic)
    if (state?.kind === 'missing') throw new MillraceError('E_KAFKA_TOPIC_MISSING', { topic, brokers, interval: 0 })
    if (state?.kind === 'denied') throw new MillraceError('E_KAFKA_TOPIC_DENIED', { topic, brokers, user, interval: 0 })
    reading = new Reading(topic, await admin.ranges([topic]))
  } finally {
    await admin.close()
  }
  if (reading.done) return
  const consumer = new Kafka(config).consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    maxWaitTimeInMs: 250,
  })
  reading.consumer = consumer
  const abort = (): void => reading.fail(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', abort)
  try {
    signal?.throwIfAborted()
    await start(consumer, reading, topic, place).catch((error: unknown) => {
      throw translateError(error, place)
    })
    do yield* await reading.next()
    while (!reading.done)
    yield* await reading.next()
  } finally {
    signal?.removeEventListener('abort', abort)
    // Commits nothing, so the group is gone with its only member.
    await consumer.disconnect().catch(() => {})
  }
}
