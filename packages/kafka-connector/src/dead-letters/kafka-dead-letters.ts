import { systemClock } from '@millrace/sdk'
import type { Clock, DeadLetter, DeadLetterSink, Logger } from '@millrace/sdk'
import type { ConnectionOptions } from '../driver/connection.ts'
import { kafkajsLetterDriver } from '../driver/kafkajs-letter-driver.ts'
import type { LetterDriver } from '../driver/letter-driver.ts'
import { originOf } from '../mapping/origin.ts'
import { LetterLane } from './letter-lane.ts'
import { letterOrigin } from './letter-origin.ts'
import { letterRecord } from './letter-record.ts'
import type { HeaderNames } from './letter-record.ts'
import { LetterTopics } from './letter-topics.ts'
import { topicTemplate } from './topic-template.ts'

/** What `kafkaDeadLetters` takes. */
export interface KafkaDeadLettersOptions {
  readonly connection: ConnectionOptions
  readonly logger: Logger
  /** Where letters go: over `{topic}`, `{group}`, `{function}`. @default '{topic}.dlq' */
  readonly topic?: string
  /** The consumer group of a topic, for `{group}` and `millrace-origin-group`. @default `faas-group-1` for all */
  readonly group?: (topic: string) => string
  /** Create missing topics. @default true */
  readonly create?: boolean
  /** Of created topics; -1: what the broker does by default. @default -1 */
  readonly replicationFactor?: number
  /** Of created topics, milliseconds; -1: kept until a person deletes them. @default -1 */
  readonly retentionMs?: number
  /** Names of headers: `connect` or `spring` adds theirs. @default 'millrace' */
  readonly headers?: HeaderNames
  /** @default 'millrace/kafka-connector' */
  readonly connector?: string
  readonly clock?: Clock
  /** Another client, or a fake one. @default kafkajs */
  readonly driver?: LetterDriver
}

/** Something that may need a dead letter. */
export interface LetterNeed {
  readonly topic: string
  readonly function?: string
}

/** Dead letters in Kafka topics. */
export interface KafkaDeadLetters extends DeadLetterSink {
  /** The topic of a letter of this topic and function. */
  topicFor(need: LetterNeed): string
  /** True for a topic that the template can give: nothing of the same connector may consume it. */
  isDeadLetterTopic(topic: string): boolean
  /**
   * Looks for the topics that these may need, and creates them where that is allowed: to be called before anything is taken in.
   *
   * @throws MillraceError `E_KAFKA_LETTER_TOPIC_MISSING`, `E_KAFKA_LETTER_DENIED`, or what the connection says
   */
  prepare(needs: readonly LetterNeed[]): Promise<void>
  close(): Promise<void>
}

/**
 * A sink of Kafka topics: the original record with `millrace-*` headers, acknowledged by all replicas in sync before `write` resolves.
 * The letter goes to the partition that the record had (modulo how many there are), so letters of one key stay in order.
 *
 * `write` rejects with `E_KAFKA_LETTER_*`; the runtime then tries again for ever and acknowledges nothing. A letter may be there twice
 * after that, never missing.
 *
 * @throws RangeError for a template that cannot be one
 */
export const kafkaDeadLetters = (options: KafkaDeadLettersOptions): KafkaDeadLetters => {
  const template = topicTemplate(options.topic ?? '{topic}.dlq')
  const driver = options.driver ?? kafkajsLetterDriver(options.connection, options.logger)
  const brokers = options.connection.brokers.join(',')
  const groupOf = options.group ?? (() => 'faas-group-1')
  const names = options.headers ?? 'millrace'
  const connector = options.connector ?? 'millrace/kafka-connector'
  const topics = new LetterTopics({
    driver,
    brokers,
    create: options.create ?? true,
    replicationFactor: options.replicationFactor ?? -1,
    retentionMs: options.retentionMs ?? -1,
  })
  const lanes = new Map<string, LetterLane>()
  const topicFor = (need: LetterNeed): string => template.topicFor({ ...need, group: groupOf(need.topic) })
  const laneOf = (topic: string, origin: string): LetterLane => {
    const known = lanes.get(topic)
    if (known !== undefined) return known
    const lane = new LetterLane({
      topic,
      driver,
      brokers,
      clock: options.clock ?? systemClock,
      find: () => topics.ensure(topic, origin),
    })
    lanes.set(topic, lane)
    return lane
  }
  return {
    name: `kafka:${template.text}`,
    topicFor,
    isDeadLetterTopic: (topic) => template.matches(topic),
    async prepare(needs) {
      const needed = new Map(needs.map((need) => [topicFor(need), need.topic]))
      for (const [topic, origin] of needed) await topics.ensure(topic, origin)
    },
    async write(letter: DeadLetter) {
      // The topic it was read from, whatever its headers claim: they are written by producers.
      const origin = originOf(letter.event)?.topic ?? letter.event.topic
      const topic = topicFor({ topic: origin, ...(letter.function !== undefined && { function: letter.function }) })
      const { record, reduced } = letterRecord(letter, { names, connector, group: groupOf(origin) })
      await laneOf(topic, origin).write({ record, reduced, partition: letterOrigin(letter.event).position?.partition ?? 0 })
    },
    async close() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
      await driver.close()
    },
  }
}
