import { MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'
import type { TopicState } from '../../src/driver/driver.ts'
import type { LetterDriver, NewTopic, OutgoingRecord } from '../../src/driver/letter-driver.ts'

/** What one `send` does: what is in the log afterwards, and what the client says. */
export type SendFault = 'refused' | 'appended-but-refused' | 'acknowledged-at-an-old-offset' | 'no-answer-for-the-partition' | 'ok'

/** Topics in memory, with the faults of kafkajs. */
export class FakeLetterDriver implements LetterDriver {
  readonly log = new Map<string, OutgoingRecord[][]>()
  readonly created: NewTopic[] = []
  producers = 0
  open = 0
  /** One for each send, in order; then 'ok'. */
  faults: SendFault[] = []
  denied = new Set<string>()
  canCreate = true
  maxBytes = Infinity
  /** What compression leaves of a record. */
  packsTo = 1
  maxTime = Infinity
  sends: { topic: string; partition: number; records: number; producer: number }[] = []

  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>> {
    const stateOf = (topic: string): TopicState => {
      if (this.denied.has(topic)) return { kind: 'denied' }
      const partitions = this.log.get(topic)
      return partitions === undefined ? { kind: 'missing' } : { kind: 'ready', partitions: partitions.length }
    }
    return Promise.resolve(new Map(topics.map((topic) => [topic, stateOf(topic)])))
  }

  configs = new Map<string, ReadonlyMap<string, string>>()

  config(topic: string): Promise<ReadonlyMap<string, string> | undefined> {
    return Promise.resolve(this.configs.get(topic))
  }

  create(topic: NewTopic): Promise<boolean> {
    if (!this.canCreate) return Promise.reject(new MillraceError('E_KAFKA_REQUEST', { brokers: 'b', reason: 'not permitted' }))
    this.created.push(topic)
    this.configs.set(topic.topic, topic.config)
    this.add(topic.topic, topic.partitions)
    return Promise.resolve(true)
  }

  add(topic: string, partitions: number): void {
    this.log.set(
      topic,
      Array.from({ length: partitions }, () => []),
    )
  }

  all(topic: string): readonly OutgoingRecord[] {
    return this.log.get(topic)?.flat() ?? []
  }

  producer(): ReturnType<LetterDriver['producer']> {
    const id = (this.producers += 1)
    this.open += 1
    let refused = false
    const appended = new Set<string>()
    return Promise.resolve({
      send: async ({ topic, partition }, records, packed) => {
        await Promise.resolve()
        if (refused) throw new Error('a producer was used after a refusal')
        this.sends.push({ topic, partition, records: records.length, producer: id })
        const fault = this.faults.shift() ?? 'ok'
        const log = this.log.get(topic)?.[partition]
        const fail = (code: ErrorCode): never => {
          refused = true
          throw new MillraceError(code, { topic, reason: fault })
        }
        if (log === undefined) return fail('E_KAFKA_LETTER_TOPIC_MISSING')
        const bytes = records.reduce(
          (sum, { headers, value }) => sum + (value?.length ?? 0) + headers.reduce((all, [, v]) => all + v.length, 0),
          0,
        )
        if (bytes * (packed ? this.packsTo : 1) > this.maxBytes) return fail('E_KAFKA_LETTER_TOO_LARGE')
        if (records.some(({ timestamp = 0 }) => timestamp > this.maxTime)) {
          refused = true
          throw new MillraceError('E_KAFKA_LETTER_WRITE', { topic, refused: 'timestamp' })
        }
        if (fault === 'refused') return fail('E_KAFKA_LETTER_WRITE')
        if (fault === 'no-answer-for-the-partition') return undefined
        // The broker takes it for a repetition, which it can only of a producer that has written there.
        if (fault === 'acknowledged-at-an-old-offset' && appended.has(`${topic}/${partition}`)) return log.length - records.length
        const base = log.push(...records) - records.length
        appended.add(`${topic}/${partition}`)
        return fault === 'appended-but-refused' ? fail('E_KAFKA_LETTER_WRITE') : base
      },
      close: async () => {
        this.open -= 1
      },
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
