import type { Logger } from '@millrace/sdk'
import { clientConfig } from './connection.ts'
import type { ConnectionOptions } from './connection.ts'
import type { CommittedOffset, LogRange, TopicState } from './driver.ts'
import { topicStateOf, translateError } from './kafka-errors.ts'
import type { ErrorPlace } from './kafka-errors.ts'
import { Kafka } from './kafkajs.ts'
import type { Admin } from './kafkajs.ts'

interface Client {
  readonly admin: Admin
  readonly place: ErrorPlace
}

/**
 * The admin requests of the connector, over one connection that is thrown away after any failure: a topic that once was in a request
 * stays among kafkajs' targets, and a bad one then fails every request.
 */
export class KafkajsAdmin {
  readonly #options: ConnectionOptions
  readonly #logger: Logger
  #client: Promise<Client> | undefined
  #closed = false
  /** The SASL user of the last connection. */
  user = 'anonymous'

  constructor(options: ConnectionOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
  }

  clusterId(): Promise<string> {
    return this.#run(async (admin) => (await admin.describeCluster()).clusterId)
  }

  topics(): Promise<readonly string[]> {
    return this.#run((admin) => admin.listTopics())
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>> {
    if (topics.length === 0) return new Map()
    try {
      return await this.#run(async (admin) => {
        const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
        return new Map(found.map(({ name, partitions }): [string, TopicState] => [name, { kind: 'ready', partitions: partitions.length }]))
      })
    } catch (error) {
      // One bad topic fails them all: halve until it is alone.
      const state = topicStateOf(error)
      if (state === undefined) throw error
      const [only, ...others] = topics
      if (others.length === 0) return new Map([[only as string, { kind: state }]])
      const middle = topics.length >> 1
      return new Map([...(await this.describe(topics.slice(0, middle))), ...(await this.describe(topics.slice(middle)))])
    }
  }

  async ranges(topics: readonly string[]): Promise<readonly LogRange[]> {
    return this.#run(async (admin) => {
      const ranges: LogRange[] = []
      for (const topic of topics) {
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          ranges.push({ topic, partition, low: Number(low), high: Number(high) })
        }
      }
      return ranges
    })
  }

  committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedOffset[]> {
    return this.#run(async (admin) => {
      const found = await admin.fetchOffsets({ groupId, topics: [...topics] })
      return found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset, metadata }) => ({ topic, partition, offset: Number(offset), metadata: metadata ?? '' })),
      )
    }, groupId)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#drop()
  }

  async #run<T>(request: (admin: Admin) => Promise<T>, group?: string): Promise<T> {
    let place: ErrorPlace = { brokers: this.#options.brokers.join(','), user: 'anonymous' }
    try {
      const client = await (this.#client ??= this.#connect())
      place = { ...client.place, ...(group !== undefined && { group }) }
      return await request(client.admin)
    } catch (error) {
      await this.#drop()
      throw translateError(error, place)
    }
  }

  async #connect(): Promise<Client> {
    const { config, user } = await clientConfig(this.#options, this.#logger)
    const place = { brokers: this.#options.brokers.join(','), user }
    this.user = user
    const admin = new Kafka(config).admin()
    try {
      await admin.connect()
    } catch (error) {
      // One left open would keep the process alive until the broker drops it.
      await admin.disconnect().catch(() => {})
      throw translateError(error, place)
    }
    if (this.#closed) await admin.disconnect().catch(() => {})
    return { admin, place }
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    const connected = await client?.catch(() => undefined)
    await connected?.admin.disconnect().catch(() => {})
  }
}
