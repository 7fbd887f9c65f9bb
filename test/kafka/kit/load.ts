import type { Kafka, Producer } from 'kafkajs'
import { startPacedLoad, type Load, type Pace } from '../../ledger/load.ts'
import type { LedgerEvent } from '../../ledger/publisher.ts'

export interface LoadOptions extends Pace {
  readonly client: Kafka
  readonly topic: string
  readonly partitions: number
}

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
  const { partitions } = options
  const lanes = Array.from({ length: partitions }, (_, partition) => new Lane(options, partition))
  return startPacedLoad(options, {
    push: (event) => lanes[partitionOf(event.key, partitions)]?.push(event),
    flush: () => lanes.forEach((lane) => lane.flush()),
    isFull: () => lanes.some(({ waiting }) => waiting >= maxWaiting),
    refused: () => lanes.reduce((sum, lane) => sum + lane.refused, 0),
    close: async () => void (await Promise.all(lanes.map((lane) => lane.close()))),
  })
}
