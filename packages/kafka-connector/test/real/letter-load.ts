import { setTimeout as pause } from 'node:timers/promises'
import { isMillraceError, silentLogger } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import { ConfigResourceTypes } from 'kafkajs'
import { waitUntil } from '../../../../test/processes/wait-until.ts'
import { uniqueName, withAdmin } from '../../../../test/servers/kafka.ts'
import type { Broker, KafkaCluster } from '../../../../test/servers/kafka.ts'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import type { KafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import { readKafkaLetters } from '../../src/dead-letters/read-kafka-letters.ts'
import { recordToEvent } from '../../src/mapping/record-to-event.ts'
import { record } from '../mapping/records.ts'

/** As many as there are brokers, so that each leads one. */
const partitions = 3
const writers = 20
/** Between two letters of a writer. The brokers have other work too, and more letters would show no more. */
const restMs = 50

const letterOf = (topic: string, offset: number): DeadLetter => ({
  // The record is a year old, and its letter must outlive what retention removes.
  event: recordToEvent(record({ topic, partition: offset % partitions, offset, value: Buffer.alloc(200, offset) }), { cluster: 'c' }).event,
  intake: `${topic}/0`,
  function: 'ship',
  reason: 'exhausted',
  detail: 'it failed',
  attempts: 1,
  history: [],
  diedAt: 1,
  hops: 0,
})

export interface LetterFigures {
  readonly acknowledged: number
  /** Acknowledged, and not in the log. */
  readonly lost: readonly string[]
  readonly twice: number
  /** Refused writes, by code. */
  readonly refused: Readonly<Record<string, number>>
}

/** Writers of dead letters, each of which writes a letter until it is acknowledged, as the runtime does, then the next. */
export class LetterLoad implements AsyncDisposable {
  readonly topic: string
  readonly #cluster: KafkaCluster
  readonly #sink: KafkaDeadLetters
  readonly #acknowledged = new Set<string>()
  readonly #refused = new Map<string, number>()
  readonly #writers: readonly Promise<void>[]
  #next = 0
  #stopping = false

  private constructor(cluster: KafkaCluster, stem: string) {
    this.#cluster = cluster
    this.topic = `${stem}.dlq`
    const connection = {
      brokers: cluster.bootstrap,
      clientId: 'test',
      material: () => Promise.resolve({}),
      requestTimeoutMs: 5000,
      connectionTimeoutMs: 1000,
    }
    this.#sink = kafkaDeadLetters({ connection, logger: silentLogger })
    this.#writers = Array.from({ length: writers }, () => this.#write(stem))
  }

  static async open(cluster: KafkaCluster): Promise<LetterLoad> {
    const stem = uniqueName('faults')
    await cluster.createTopic(`${stem}.dlq`, { partitions, replicas: 3, config: { 'min.insync.replicas': '2' } })
    return new LetterLoad(cluster, stem)
  }

  /** Resolves when so many more are acknowledged. */
  async more(letters: number): Promise<void> {
    const wanted = this.#acknowledged.size + letters
    const what = (): string => `${wanted} letters; there are ${this.#acknowledged.size}, refused: ${JSON.stringify([...this.#refused])}`
    await waitUntil(() => this.#acknowledged.size >= wanted, { timeoutMs: 60_000, what })
  }

  /** From now on so many replicas must have a letter before it is acknowledged. */
  async needReplicas(replicas: number): Promise<void> {
    await withAdmin({ brokers: [...this.#cluster.bootstrap] }, async (admin) => {
      const configEntries = [{ name: 'min.insync.replicas', value: String(replicas) }]
      await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: this.topic, configEntries }] })
    })
  }

  /** Resolves when one more write was refused. */
  async refusal(): Promise<void> {
    const refusals = (): number => this.#refused.get('E_KAFKA_LETTER_WRITE') ?? 0
    const before = refusals()
    await waitUntil(() => refusals() > before, { timeoutMs: 60_000, what: 'a write to be refused' })
  }

  /** Whether letters go to this broker just now: if not, what happens to it is no fault of theirs. */
  async isLedBy(broker: Broker): Promise<boolean> {
    const leaders = Array.from({ length: partitions }, (_, partition) => this.#cluster.leaderOf(this.topic, partition))
    return (await Promise.all(leaders)).includes(broker)
  }

  /** Ends the writers and looks for all their letters in the log. */
  async finish(): Promise<LetterFigures> {
    await this[Symbol.asyncDispose]()
    const seen = new Map<string, number>()
    for await (const { event } of readKafkaLetters({ connection: { brokers: this.#cluster.bootstrap }, topic: this.topic })) {
      seen.set(event.id, (seen.get(event.id) ?? 0) + 1)
    }
    return {
      acknowledged: this.#acknowledged.size,
      lost: [...this.#acknowledged].filter((id) => !seen.has(id)),
      twice: [...seen.values()].filter((times) => times > 1).length,
      refused: Object.fromEntries(this.#refused),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#writers)
    await this.#sink.close()
  }

  async #write(topic: string): Promise<void> {
    while (!this.#stopping) {
      const letter = letterOf(topic, this.#next++)
      while (!(await this.#isWritten(letter)) && !this.#stopping) await pause(100)
      await pause(restMs)
    }
  }

  async #isWritten(letter: DeadLetter): Promise<boolean> {
    try {
      await this.#sink.write(letter)
      this.#acknowledged.add(letter.event.id)
      return true
    } catch (error) {
      const code = isMillraceError(error) ? error.code : String(error)
      this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
      return false
    }
  }
}
