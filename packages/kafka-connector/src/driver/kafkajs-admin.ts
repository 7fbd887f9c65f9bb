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
  /** Of `performance.now()`. */
  readonly madeAt: number
  /** Requests under way. */
  users: number
  retired: boolean
}

/** kafkajs keeps what it knows of partitions for minutes; a younger connection has seen new ones. */
const maxAgeMs = 5000

/**
 * The admin requests of the connector, over one connection that is thrown away after any failure: a topic that once was in a request
 * stays among kafkajs' targets, and a bad one then fails every request.
 */
export class KafkajsAdmin {
  readonly #options: ConnectionOptions
  readonly #logger: Logger
  #client: Promise<Client> | undefined
  #newest: Client | undefined
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
    const client = await this.#client?.catch(() => undefined)
    if (client !== undefined) await this.#retire(client)
  }

  async #run<T>(request: (admin: Admin) => Promise<T>, group?: string): Promise<T> {
    const client = await this.#young()
    client.users += 1
    try {
      return await request(client.admin)
    } catch (error) {
      await this.#retire(client)
      throw translateError(error, { ...client.place, ...(group !== undefined && { group }) })
    } finally {
      await this.#leave(client)
    }
  }

  async #young(): Promise<Client> {
    const client = await this.#connected()
    if (performance.now() - client.madeAt < maxAgeMs || client.retired) return client
    await this.#retire(client)
    return this.#connected()
  }

  /** All callers share one attempt; a failed one is forgotten. */
  async #connected(): Promise<Client> {
    const connecting = (this.#client ??= this.#connect())
    try {
      return await connecting
    } catch (error) {
      if (this.#client === connecting) this.#client = undefined
      throw error
    }
  }

  /** Nobody takes it any more; those who have it may end. */
  async #retire(client: Client): Promise<void> {
    if (client.retired) return
    client.retired = true
    if (this.#newest === client) this.#client = undefined
    if (client.users === 0) await client.admin.disconnect().catch(() => {})
  }

  /** The last one out closes the door. */
  async #leave(client: Client): Promise<void> {
    client.users -= 1
    if (client.users === 0 && client.retired) await client.admin.disconnect().catch(() => {})
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
    this.#newest = { admin, place, madeAt: performance.now(), users: 0, retired: this.#closed }
    return this.#newest
  }
}
