import { createConnector, silentLogger } from '@millrace/sdk'
import type { Connector, ConnectorOptions } from '@millrace/sdk'
import { fakeGateway } from '@millrace/sdk/testing'
import type { FakeGateway, RecordedRequest } from '@millrace/sdk/testing'
import type { Kafka } from 'kafkajs'
import { createClient, kafka, uniqueName, withAdmin } from '../../../../test/servers/kafka.ts'
import type { TopicOptions } from '../../../../test/servers/kafka.ts'
import { kafkaSource } from '../../src/source.ts'
import type { KafkaSource, KafkaSourceOptions } from '../../src/source.ts'

/** Short times, so that a test of a rebalance takes seconds. */
const quick = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 15_000, heartbeatIntervalMs: 200, maxWaitMs: 50, metadataMaxAgeMs: 1000 }

/** One test's part of the shared broker: clients, connectors and gateways that end with it. */
export class Bench {
  readonly bootstrap: readonly string[]
  readonly client: Kafka
  readonly #createTopic: (topic: string, options?: TopicOptions) => Promise<void>
  readonly #ends: (() => Promise<void>)[] = []

  private constructor(bootstrap: readonly string[], create: (topic: string, options?: TopicOptions) => Promise<void>) {
    this.bootstrap = bootstrap
    this.client = createClient({ brokers: [...bootstrap] })
    this.#createTopic = create
  }

  static async open(): Promise<Bench> {
    const { bootstrap, createTopic } = await kafka.shared()
    return new Bench(bootstrap, createTopic)
  }

  /** The same for a server of the test's own. */
  at(bootstrap: readonly string[]): Bench {
    return new Bench(bootstrap, () => Promise.reject(new Error('make the topic on the server')))
  }

  async topic(partitions: number = 1, name: string = uniqueName('t')): Promise<string> {
    await this.#createTopic(name, { partitions })
    return name
  }

  async publish(
    topic: string,
    messages: readonly { key?: string; value: string; partition?: number; headers?: Record<string, string> }[],
  ): Promise<void> {
    // A fresh topic's leaders may not be ready: kafkajs sends all of it again, also what was written.
    const producer = this.client.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    try {
      for (let i = 0; i < messages.length; i += 500) await producer.send({ topic, messages: messages.slice(i, i + 500) })
    } finally {
      await producer.disconnect()
    }
  }

  async gateway(...options: Parameters<typeof fakeGateway>): Promise<FakeGateway> {
    const gateway = await fakeGateway(...options)
    this.#ends.unshift(() => gateway.close())
    return gateway
  }

  /** A connector of its own; ended with the test if it still runs. */
  async connect(
    gateway: FakeGateway,
    group: string,
    options: Partial<KafkaSourceOptions> = {},
    more: Partial<ConnectorOptions> = {},
  ): Promise<{ readonly connector: Connector; readonly source: KafkaSource }> {
    const source = kafkaSource({
      connection: { brokers: this.bootstrap, retries: 2 },
      group,
      ...options,
      member: { ...quick, ...options.member },
      times: { commitIntervalMs: 100, settleMs: 50, refreshMs: 500, ...options.times },
    })
    const connector = createConnector({
      source,
      gateway: { url: gateway.url },
      rebuildIntervalMs: 200,
      logger: silentLogger,
      drainMs: 5000,
      ...more,
    })
    this.#ends.unshift(() => connector.kill())
    await connector.start()
    return { connector, source }
  }

  /** Committed offsets by partition. */
  async committed(
    group: string,
    topic: string,
  ): Promise<readonly { readonly partition: number; readonly offset: number; readonly metadata: string }[]> {
    const [found] = await withAdmin({ brokers: [...this.bootstrap] }, (admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }))
    return (found?.partitions ?? [])
      .map(({ partition, offset, metadata }) => ({ partition, offset: Number(offset), metadata: metadata ?? '' }))
      .toSorted((a, b) => a.partition - b.partition)
  }

  /** As retention would: what lies below `offset` of partition 0 is gone. */
  async deleteRecords(topic: string, offset: number): Promise<void> {
    await withAdmin({ brokers: [...this.bootstrap] }, async (admin) => {
      // kafkajs wants to know the topic before it can find its leader.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    })
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end()
  }
}

/** What the functions were called with, in the order of the calls. */
export const bodies = (requests: readonly RecordedRequest[]): string[] => requests.map((request) => request.body.toString())

export const numbered = (from: number, to: number, keys: number = 0): { value: string; key?: string }[] =>
  Array.from({ length: to - from }, (_, i) => ({ value: String(from + i), ...(keys > 0 && { key: `k${(from + i) % keys}` }) }))

export { uniqueName, withAdmin }
export { until } from '../../../../test/ledger/until.ts'
