import { fileURLToPath } from 'node:url'
import type { Kafka } from 'kafkajs'
import type { BehaviourRule } from '../../ledger/behaviour.ts'
import type { LedgerFunction } from '../../ledger/function-server.ts'
import { LedgerRun, openSides, type OpenedSides } from '../../ledger/ledger-run.ts'
import type { Load } from '../../ledger/load.ts'
import { acknowledgedUpTo, report, type Report, type ReportInput } from '../../ledger/report.ts'
import type { Connector, ConnectorProgram } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { createClient, createTopic, uniqueName, withAdmin, type TopicOptions } from '../../servers/kafka.ts'
import { coordinatorReady } from './coordinator.ts'
import { partitionOf, startLoad, type LoadOptions } from './load.ts'

export interface RunOptions {
  /** Where the test looks and writes. */
  readonly brokers: readonly string[]
  /** Where the connector goes, e.g. through a proxy. @default `brokers` */
  readonly connectorBrokers?: readonly string[]
  /** @default 4 */
  readonly partitions?: number
  /** @default 40 */
  readonly keys?: number
  readonly topicOptions?: TopicOptions
  /** Of the function `orders`, beside its topic. @default order by key */
  readonly annotations?: Readonly<Record<string, string>>
  readonly behaviour?: readonly BehaviourRule[]
  /** Settings of the connector; they win over those of `quick`. */
  readonly env?: Readonly<Record<string, string>>
}

/** Short times, so that seconds hold many retries, probes and commits; what they lead to is the product's own. */
const quick = {
  rebuild_interval: '200ms',
  retry_min_wait: '20ms',
  retry_max_wait: '200ms',
  breaker_function_open: '200ms',
  breaker_gateway_open: '200ms',
  kafka_heartbeat_interval: '300ms',
  kafka_session_timeout: '6s',
  kafka_rebalance_timeout: '12s',
  kafka_max_wait: '100ms',
  kafka_commit_interval: '200ms',
  kafka_metadata_max_age: '1s',
  kafka_connect_timeout: '2s',
  kafka_topic_refresh: '1s',
}

/** The program, as it is built. */
export const connectorMain: string = fileURLToPath(new URL('../../../packages/kafka-connector/dist/main.js', import.meta.url))

/** What a group has committed of a partition; -1: nothing. */
export interface Committed {
  readonly offset: number
  readonly metadata: string
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0)

/**
 * One topic, one function and one consumer group, with a ledger on both sides: events come from here, functions note their calls in a process
 * of their own, and connectors are programs. Everything ends with it.
 */
export class KafkaRun extends LedgerRun {
  readonly topic: string
  readonly group: string
  readonly client: Kafka
  readonly #options: RunOptions

  private constructor(options: RunOptions, topic: string, sides: OpenedSides) {
    super(sides)
    this.#options = options
    this.topic = topic
    this.group = `group-of-${topic}`
    this.client = createClient({ brokers: [...options.brokers], retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 500 } })
  }

  static async open(options: RunOptions): Promise<KafkaRun> {
    const { annotations, keys, behaviour } = options
    const topic = uniqueName('ledger')
    await createTopic(options.brokers, topic, { partitions: options.partitions ?? 4, ...options.topicOptions })
    await coordinatorReady(options.brokers, topic)
    const functions = [KafkaRun.#listed(topic, annotations)]
    const sides = await openSides({
      prefix: topic,
      functions,
      ...(keys !== undefined && { keys }),
      ...(behaviour !== undefined && { behaviour }),
    })
    return new KafkaRun(options, topic, sides)
  }

  static #listed(topic: string, annotations: RunOptions['annotations']): LedgerFunction {
    return { name: 'orders', annotations: { topic, 'com.openfaas.connector.order': 'key', ...annotations } }
  }

  get partitions(): number {
    return this.#options.partitions ?? 4
  }

  program(env: Readonly<Record<string, string>> = {}): ConnectorProgram {
    const { brokers, connectorBrokers = brokers } = this.#options
    const place = { broker_hosts: connectorBrokers.join(','), group: this.group, gateway_url: this.functions.url }
    return { main: connectorMain, env: { ...quick, ...place, ...this.#options.env, ...env } }
  }

  /** Starts one more replica. */
  start(env: Readonly<Record<string, string>> = {}): Promise<Connector> {
    return this.startProgram(this.program(env))
  }

  load(options: Pick<LoadOptions, 'perSecond' | 'total'>): Load {
    const { client, topic, partitions, publisher } = this
    return this.addLoad(startLoad({ client, topic, partitions, publisher, ...options }))
  }

  /** Writes so many events as fast as it goes. */
  async publish(total: number): Promise<void> {
    await this.load({ perSecond: 20_000, total }).done
  }

  /** The longest time without a call, milliseconds: of all, or of the partition that was silent longest. From epoch `since` on. */
  longestGapMs(since = 0): { readonly overall: number; readonly partition: number } {
    const starts = this.invocations().flatMap((record) => (record.kind === 'start' && record.at >= since ? [record] : []))
    const gap = (times: readonly number[]): number =>
      times.reduce((longest, at, index) => Math.max(longest, at - (times[index - 1] ?? since)), 0)
    const lanes = Map.groupBy(starts, ({ key }) => partitionOf(key, this.partitions))
    return {
      overall: gap(starts.map(({ at }) => at)),
      partition: Math.max(0, ...[...lanes.values()].map((lane) => gap(lane.map(({ at }) => at)))),
    }
  }

  /** Positions of the group, by partition. */
  async committed(topic: string = this.topic): Promise<ReadonlyMap<number, Committed>> {
    return withAdmin({ brokers: [...this.#options.brokers], retry: { retries: 8, initialRetryTime: 50 } }, async (admin) => {
      const [found] = await admin.fetchOffsets({ groupId: this.group, topics: [topic] })
      return new Map(
        (found?.partitions ?? []).map(({ partition, offset, metadata }) => [
          partition,
          { offset: Number(offset), metadata: metadata ?? '' },
        ]),
      )
    })
  }

  /** The ends of the logs, by partition. */
  async logEnds(topic: string = this.topic): Promise<ReadonlyMap<number, number>> {
    return withAdmin({ brokers: [...this.#options.brokers], retry: { retries: 8, initialRetryTime: 50 } }, async (admin) => {
      return new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]))
    })
  }

  /** Dead letters in the topic of dead letters; 0 when there is none. */
  async letterCount(): Promise<number> {
    return this.logEnds(`${this.topic}.dlq`).then(
      (ends) => sum(ends.values()),
      () => 0,
    )
  }

  /** Waits until the group has committed to the end of every log; rejects when nothing moves for `timeoutMs`. */
  async drained(timeoutMs = 30_000): Promise<void> {
    let last = ''
    const look = async (): Promise<boolean> => {
      const found = await Promise.all([this.logEnds(), this.committed()]).catch((error: unknown) => {
        // A coordinator that is being loaded, or a leader that moves.
        last = String(error)
      })
      if (found === undefined) return false
      const [ends, committed] = found
      last = [...ends].map(([partition, end]) => `${partition}: ${committed.get(partition)?.offset} of ${end}`).join(', ')
      return [...ends].every(([partition, end]) => end === 0 || committed.get(partition)?.offset === end)
    }
    await waitUntil(look, { timeoutMs, everyMs: 200, progress: () => last, what: () => `the commit of everything; ${last}${this.tails()}` })
  }

  /** Everything the ledger says, against what the group has committed. */
  async report(options: Partial<ReportInput> = {}): Promise<Report> {
    const published = this.published()
    const next = new Map([...(await this.committed())].map(([partition, { offset }]) => [`${this.topic}/${partition}`, offset]))
    const letters = await this.letterCount()
    return report({
      published,
      invocations: this.invocations(),
      functions: ['orders'],
      acknowledged: acknowledgedUpTo(published, next),
      letters: Array.from({ length: letters }, () => ({ id: '(a letter)' })),
      ...options,
    })
  }
}
