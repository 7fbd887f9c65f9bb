import { isMillraceError } from '@millrace/sdk'
import type { HeaderField, Logger } from '@millrace/sdk'
import { clientConfig } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import type { TopicPartition } from './driver.ts'
import { translateError } from './kafka-errors.ts'
import type { ErrorPlace } from './kafka-errors.ts'
import { KafkajsAdmin } from './kafkajs-admin.ts'
import { CompressionTypes, Kafka } from './kafkajs.ts'
import type { Admin, IHeaders, Message, Producer } from './kafkajs.ts'
import type { DriverProducer, LetterDriver, NewTopic, OutgoingRecord } from './letter-driver.ts'
import { translateProduceError } from './produce-errors.ts'

/** ConfigResource.Type.TOPIC of the protocol. */
const topicResource = 2

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** kafkajs takes a plain object; without a prototype `__proto__` is a name as any other. */
const headersOf = (fields: readonly HeaderField[]): IHeaders => {
  const headers = Object.create(null) as Record<string, Buffer[]>
  for (const [name, value] of fields) (headers[name] ??= []).push(typeof value === 'string' ? Buffer.from(value) : asBuffer(value))
  return headers
}

const messageOf = ({ key, value, headers, timestamp }: OutgoingRecord, partition: number): Message => ({
  partition,
  key: key === undefined ? null : asBuffer(key),
  value: value === undefined ? null : asBuffer(value),
  headers: headersOf(headers),
  ...(timestamp !== undefined && { timestamp: String(timestamp) }),
})

class KafkajsProducer implements DriverProducer {
  readonly #producer: Producer
  readonly #place: ErrorPlace

  constructor(producer: Producer, place: ErrorPlace) {
    this.#producer = producer
    this.#place = place
  }

  async send(at: TopicPartition, records: readonly OutgoingRecord[], packed: boolean): Promise<number | undefined> {
    const messages = records.map((record) => messageOf(record, at.partition))
    const compression = packed ? CompressionTypes.GZIP : CompressionTypes.None
    try {
      const answers = await this.#producer.send({ topic: at.topic, acks: -1, compression, messages })
      // A broker that was asked for nothing, after a leader moved, answers with nothing.
      const answer = answers.find((one) => one?.topicName === at.topic && one.partition === at.partition && one.errorCode === 0)
      return answer?.baseOffset === undefined ? undefined : Number(answer.baseOffset)
    } catch (error) {
      const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
      throw translateProduceError(error, this.#place, at.topic, bytes)
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => {})
  }
}

/**
 * `LetterDriver` by kafkajs 2.2.4. Its retries are few: the dead letters are tried again for ever anyway, each time by a producer that
 * knows nothing of the sequence numbers of the last one.
 */
export const kafkajsLetterDriver = (connection: ConnectionOptions, logger: Logger): LetterDriver => {
  const admin = new KafkajsAdmin(connection, logger)
  const open = async (): Promise<{ readonly kafka: InstanceType<typeof Kafka>; readonly place: ErrorPlace }> => {
    const { config, user } = await clientConfig(connection, logger)
    return { kafka: new Kafka(config), place: { brokers: connection.brokers.join(','), user } }
  }
  const withAdmin = async <T>(use: (own: Admin) => Promise<T>): Promise<T> => {
    const { kafka, place } = await open()
    const own = kafka.admin()
    try {
      await own.connect()
      return await use(own)
    } catch (error) {
      throw translateError(error, place)
    } finally {
      await own.disconnect().catch(() => {})
    }
  }
  return {
    describe: (topics) => admin.describe(topics),
    config: (topic) =>
      withAdmin(async (reader) => {
        const { resources } = await reader.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: topicResource, name: topic, configNames: ['cleanup.policy', 'retention.ms'] }],
        })
        const entries = resources[0]?.configEntries ?? []
        return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
      }).catch((error: unknown) => {
        if (isMillraceError(error) && error.code === 'E_KAFKA_TOPIC_DENIED') return undefined
        throw error
      }),
    async create({ topic, partitions, replicationFactor, config }: NewTopic) {
      const configEntries = [...config].map(([name, value]) => ({ name, value }))
      // Its wait for leaders fails when the broker that it asks has not heard of the topic yet, which was made nevertheless.
      const topics = [{ topic, numPartitions: partitions, replicationFactor, configEntries }]
      return withAdmin((creator) => creator.createTopics({ waitForLeaders: false, topics }))
    },
    async producer() {
      const { kafka, place } = await open()
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        // The partition is always named.
        createPartitioner:
          () =>
          ({ message }: { readonly message: Message }) =>
            message.partition ?? 0,
        retry: { retries: 4, initialRetryTime: 200, maxRetryTime: 2000 },
      })
      try {
        await producer.connect()
      } catch (error) {
        await producer.disconnect().catch(() => {})
        throw translateError(error, place)
      }
      return new KafkajsProducer(producer, place)
    },
    close: () => admin.close(),
  }
}
