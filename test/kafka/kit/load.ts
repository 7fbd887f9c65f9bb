import type { Kafka, Producer } from 'kafkajs'
import type { LedgerEvent, Publisher } from '../../ledger/publisher.ts'

export interface LoadOptions {
  readonly client: Kafka
  readonly topic: string
  readonly partitions: number
  readonly publisher: Publisher
  /** Events a second, over all partitions. */
  readonly perSecond: number
  /** Ends by itself after so many events. @default never */
  readonly total?: number
}

/** Events that are being written to a topic. */
export interface Load {
  /** Sends that were refused: whether their events are in the log is not known, and they are not confirmed. */
  readonly refused: number
  /** No more events; resolves when the last one is confirmed or refused. */
  finish(): Promise<void>
  /** Resolves when `total` events are through. */
  readonly done: Promise<void>
}

const tickMs = 25
const maxPerSend = 500
/** Events of one partition that may wait; above it the load skips ticks. */
const maxWaiting = 5000

/**
 * One partition: its sends one after the other, so that the log has the order of the ledger. With a producer of its own, made anew after a
 * refusal: kafkajs' next send would be acknowledged and lost (docs/kafka-faults.md).
 */
class Lane {
  readonly #options: LoadOptions
  readonly #partition: number
  #producer: Producer | undefined
  #waiting: LedgerEvent[] = []
  #running: Promise<void> | undefined
  refused = 0

  constructor(options: LoadOptions, partition: number) {
    this.#options = options
    this.#partition = partition
  }

  get waiting(): number {
    return this.#waiting.length
  }

  push(event: LedgerEvent): void {
    this.#waiting.push(event)
  }

  flush(): void {
    if (this.#waiting.length > 0) this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.flush()
    await this.#running
    await this.#drop()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, maxPerSend))
    this.#running = undefined
  }

  async #send(events: readonly LedgerEvent[]): Promise<void> {
    const { client, topic, publisher } = this.#options
    const partition = this.#partition
    try {
      this.#producer ??= await this.#open(client)
      const messages = events.map(({ key, body }) => ({ key, value: body, partition }))
      const answers = await this.#producer.send({ topic, acks: -1, messages })
      const answer = answers.find((one) => one.partition === partition && one.errorCode === 0)
      if (answer?.baseOffset === undefined) throw new Error('the answer does not name the partition')
      const base = Number(answer.baseOffset)
      for (const [index, event] of events.entries()) publisher.confirm(event, { intake: `${topic}/${partition}`, offset: base + index })
    } catch {
      this.refused++
      await this.#drop()
    }
  }

  async #open(client: Kafka): Promise<Producer> {
    const retry = { retries: 8, initialRetryTime: 50, maxRetryTime: 500 }
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, retry })
    try {
      await producer.connect()
      return producer
    } catch (error) {
      await producer.disconnect().catch(() => undefined)
      throw error
    }
  }

  async #drop(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.disconnect().catch(() => undefined)
  }
}

/** The partition of a key: all events of a key lie in one. */
export const partitionOf = (key: string, partitions: number): number => Number(key.slice(1)) % partitions

/** Writes events of the ledger at a steady rate, each key to its partition. */
export const startLoad = (options: LoadOptions): Load => {
  const { partitions, publisher, perSecond, total = Infinity } = options
  const before = publisher.sent
  const lanes = Array.from({ length: partitions }, (_, partition) => new Lane(options, partition))
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const start = performance.now()
  let skipped = 0
  const closeAll = async (): Promise<void> => {
    clearInterval(timer)
    await Promise.all(lanes.map((lane) => lane.close()))
    resolve()
  }
  const tick = (): void => {
    const due = before + Math.min(total, Math.floor(((performance.now() - start) / 1000) * perSecond) - skipped)
    if (due <= publisher.sent) return
    if (lanes.some(({ waiting }) => waiting >= maxWaiting)) {
      skipped += due - publisher.sent
      return
    }
    while (publisher.sent < due) {
      const event = publisher.next()
      lanes[partitionOf(event.key, partitions)]?.push(event)
    }
    for (const lane of lanes) lane.flush()
    if (publisher.sent >= before + total) void closeAll()
  }
  const timer = setInterval(tick, tickMs)
  return {
    get refused() {
      return lanes.reduce((sum, lane) => sum + lane.refused, 0)
    },
    finish: async () => {
      void closeAll()
      await done
    },
    done,
  }
}
