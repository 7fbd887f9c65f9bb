import { describeError, MillraceError } from '@millrace/sdk'
import type { LetterDriver } from '../driver/letter-driver.ts'

/** A topic that is there. */
export interface LetterTopic {
  readonly partitions: number
  /**
   * Letters have the time of their record. Only where nothing is deleted by age: retention goes by the time of records, and would delete
   * the letter of an old record at once.
   */
  readonly keepsTime: boolean
}

/** How dead-letter topics come to be. */
export interface LetterTopicsOptions {
  readonly driver: LetterDriver
  readonly brokers: string
  /** Create a missing one. @default true */
  readonly create: boolean
  /** -1: what the broker does by default. @default -1 */
  readonly replicationFactor: number
  /** How long a created one keeps its letters; -1: until a person deletes them. @default -1 */
  readonly retentionMs: number
}

/** Looks for dead-letter topics, and creates them where that is allowed: with as many partitions as the origin has. */
export class LetterTopics {
  readonly #options: LetterTopicsOptions

  constructor(options: LetterTopicsOptions) {
    this.#options = options
  }

  /**
   * Looks a dead-letter topic up, and creates it when it is missing and may be created.
   *
   * @throws MillraceError `E_KAFKA_LETTER_TOPIC_MISSING`, `E_KAFKA_LETTER_DENIED`, `E_KAFKA_LETTER_COMPACTED`, or what the connection says
   */
  async ensure(topic: string, origin: string): Promise<LetterTopic> {
    const { driver, create } = this.#options
    const state = (await driver.describe([topic])).get(topic)
    if (state?.kind === 'ready') return this.#look(topic, state.partitions)
    const context = { topic, brokers: this.#options.brokers, user: '(of this connector)', create }
    if (state?.kind === 'denied') throw new MillraceError('E_KAFKA_LETTER_DENIED', { ...context, reason: 'TOPIC_AUTHORIZATION_FAILED' })
    if (!create) throw new MillraceError('E_KAFKA_LETTER_TOPIC_MISSING', { ...context, reason: '' })
    const source = (await driver.describe([origin])).get(origin)
    const partitions = source?.kind === 'ready' ? source.partitions : 1
    let isOurs: boolean
    try {
      isOurs = await driver.create({ topic, partitions, replicationFactor: this.#options.replicationFactor, config: this.#config() })
    } catch (error) {
      throw new MillraceError(
        'E_KAFKA_LETTER_TOPIC_MISSING',
        { ...context, reason: `; it could not be created: ${describeError(error, 200)}` },
        error,
      )
    }
    if (isOurs) return { partitions, keepsTime: this.#options.retentionMs === -1 }
    // Somebody else was faster, perhaps with another number.
    const created = (await driver.describe([topic])).get(topic)
    return this.#look(topic, created?.kind === 'ready' ? created.partitions : partitions)
  }

  async #look(topic: string, partitions: number): Promise<LetterTopic> {
    const config = await this.#options.driver.config(topic)
    if (config?.get('cleanup.policy')?.includes('compact') === true) {
      throw new MillraceError('E_KAFKA_LETTER_COMPACTED', { topic, brokers: this.#options.brokers })
    }
    return { partitions, keepsTime: config?.get('retention.ms') === '-1' }
  }

  #config(): ReadonlyMap<string, string> {
    return new Map([
      ['cleanup.policy', 'delete'],
      ['retention.ms', String(this.#options.retentionMs)],
    ])
  }
}
