import { isMillraceError, MillraceError } from '@millrace/sdk'
import type { Clock, Timer } from '@millrace/sdk'
import type { DriverProducer, LetterDriver, OutgoingRecord } from '../driver/letter-driver.ts'
import { isTimeRefused } from '../driver/produce-errors.ts'
import type { LetterTopic } from './letter-topics.ts'

/** A letter on its way into the topic. */
export interface LetterWrite {
  readonly record: OutgoingRecord
  /** Written instead where the topic finds `record` too large, also when it is compressed. */
  readonly reduced: OutgoingRecord
  /** Of the origin: letters of one partition stay together, and in order. */
  readonly partition: number
}

interface Pending extends LetterWrite {
  readonly bytes: number
  resolve(): void
  reject(error: unknown): void
  /** It was in a refused `send` with others: it may be the one that is at fault. */
  alone: boolean
  /** The topic found it too large: it is compressed, as its producer may have done. */
  isPacked: boolean
  isReduced: boolean
  /** The topic does not take its time: it is written with that of the moment. */
  isLate: boolean
}

/** What a lane is given. */
export interface LetterLaneOptions {
  readonly topic: string
  readonly driver: LetterDriver
  readonly clock: Clock
  /** For messages. */
  readonly brokers: string
  /** Looks the topic up; creates it where that is allowed. @throws MillraceError `E_KAFKA_LETTER_TOPIC_MISSING` */
  find(): Promise<LetterTopic>
}

const maxRecords = 100
const maxBytes = 512 * 1024
const idleMs = 30_000

const sizeOf = ({ key, value, headers }: OutgoingRecord): number =>
  headers.reduce((sum, [name, content]) => sum + name.length + content.length, (key?.length ?? 0) + (value?.length ?? 0))

/**
 * The letters of one topic, one `send` at a time, each to one partition. kafkajs acknowledges records that are not in the log when a
 * `send` spans partitions, and after a refused `send`; so a send has one partition, its answer must name it with an offset above the last
 * one, and after any refusal a new producer begins. A topic that is in trouble holds up no other.
 */
export class LetterLane {
  readonly #options: LetterLaneOptions
  #queue: Pending[] = []
  #running: Promise<void> | undefined
  #producer: DriverProducer | undefined
  /** By partition, what this producer was last told. */
  readonly #last = new Map<number, number>()
  #found: LetterTopic | undefined
  #idle: Timer | undefined
  #closed = false

  constructor(options: LetterLaneOptions) {
    this.#options = options
  }

  /** Resolves when the letter is in the log on all replicas in sync. */
  write(letter: LetterWrite): Promise<void> {
    if (this.#closed) return Promise.reject(this.#unconfirmed(letter.partition, 'the dead letters are closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({
        ...letter,
        bytes: sizeOf(letter.record),
        resolve,
        reject,
        alone: false,
        isPacked: false,
        isReduced: false,
        isLate: false,
      })
      this.#running ??= this.#run()
    })
  }

  /** Writes what waits, then ends. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#dropProducer()
  }

  async #run(): Promise<void> {
    this.#idle?.cancel()
    // One turn of the event loop, so that letters written at once go together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = await this.#nextBatch()
      if (batch.length > 0) await this.#settle(batch)
    }
    this.#running = undefined
    if (!this.#closed) this.#idle = this.#options.clock.after(idleMs, () => this.#rest())
  }

  #rest(): void {
    if (this.#running === undefined) void this.#dropProducer()
  }

  /** The oldest letter, and others of its partition. Empty: the topic is not there, and all that waited knows it. */
  async #nextBatch(): Promise<Pending[]> {
    try {
      this.#found ??= await this.#options.find()
      this.#producer ??= await this.#options.driver.producer()
    } catch (error) {
      const waiting = this.#queue
      this.#queue = []
      for (const letter of waiting) letter.reject(error)
      return []
    }
    const [first, ...others] = this.#queue as [Pending, ...Pending[]]
    const batch = [first]
    const rest: Pending[] = []
    let { bytes } = first
    for (const letter of others) {
      const fits = !first.alone && !letter.alone && batch.length < maxRecords && bytes + letter.bytes <= maxBytes
      if (fits && this.#target(letter) === this.#target(first)) {
        batch.push(letter)
        bytes += letter.bytes
      } else rest.push(letter)
    }
    this.#queue = rest
    return batch
  }

  #target({ partition }: LetterWrite): number {
    return partition % (this.#found?.partitions ?? 1)
  }

  async #settle(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#send(batch)
      for (const letter of batch) letter.resolve()
    } catch (error) {
      await this.#dropProducer()
      this.#refused(batch, error)
    }
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    const { topic } = this.#options
    const partition = this.#target(batch[0] as Pending)
    const records = batch.map((letter) => this.#recordOf(letter))
    const offset = await (this.#producer as DriverProducer).send(
      { topic, partition },
      records,
      batch.some(({ isPacked }) => isPacked),
    )
    if (offset === undefined || !Number.isSafeInteger(offset) || offset < 0) {
      throw this.#unconfirmed(partition, 'its answer does not name the partition')
    }
    const last = this.#last.get(partition) ?? -1
    if (offset <= last) throw this.#unconfirmed(partition, `it gave offset ${offset}, which is not above ${last}`)
    this.#last.set(partition, offset + batch.length - 1)
  }

  #recordOf({ isReduced, record, reduced, isLate }: Pending): OutgoingRecord {
    const { timestamp, ...timeless } = isReduced ? reduced : record
    return timestamp === undefined || isLate || this.#found?.keepsTime !== true ? timeless : { ...timeless, timestamp }
  }

  #refused(batch: readonly Pending[], error: unknown): void {
    const [only, ...others] = batch as [Pending, ...Pending[]]
    const code = isMillraceError(error) ? error.code : undefined
    if (code === 'E_KAFKA_LETTER_TOPIC_MISSING') this.#found = undefined
    if (others.length > 0) {
      for (const letter of batch) letter.alone = true
      this.#queue.unshift(...batch)
    } else if (code === 'E_KAFKA_LETTER_TOO_LARGE' && !only.isReduced) {
      if (only.isPacked) only.isReduced = true
      else only.isPacked = true
      only.alone = true
      this.#queue.unshift(only)
    } else if (isTimeRefused(error) && !only.isLate) {
      only.isLate = true
      only.alone = true
      this.#queue.unshift(only)
    } else only.reject(error)
  }

  async #dropProducer(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    this.#last.clear()
    await producer?.close()
  }

  #unconfirmed(partition: number, reason: string): MillraceError {
    return new MillraceError('E_KAFKA_LETTER_UNCONFIRMED', { topic: this.#options.topic, partition, reason })
  }
}
