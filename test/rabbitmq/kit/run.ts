import { fileURLToPath } from 'node:url'
import type { BehaviourRule } from '../../ledger/behaviour.ts'
import type { LedgerFunction } from '../../ledger/function-server.ts'
import { LedgerRun, openSides, type OpenedSides } from '../../ledger/ledger-run.ts'
import type { Load } from '../../ledger/load.ts'
import { report, type Report, type ReportInput } from '../../ledger/report.ts'
import type { LedgerEvent } from '../../ledger/publisher.ts'
import type { Connector, ConnectorProgram } from '../../processes/connector.ts'
import { waitUntil } from '../../processes/wait-until.ts'
import { uniqueName, withChannel, type Door, type RabbitmqAddresses, type RabbitmqAdmin } from '../../servers/rabbitmq.ts'
import { startLoad, type LoadOptions } from './load.ts'
import { readLetters } from './messages.ts'

export interface RunOptions {
  readonly broker: RabbitmqAddresses & RabbitmqAdmin
  /** How the connector comes in, e.g. through a proxy; the test goes the plain way. @default 'amqp' */
  readonly door?: Door
  /** @default 'quorum' */
  readonly queueType?: 'classic' | 'quorum'
  /**
   * `queue`: the function's topic is the name of a queue that is there, without a delivery limit: a test kills more often than a limit
   * allows. `binding`: the connector declares the function's queue and binds it to a topic exchange; what comes before is refused, not lost.
   * @default 'queue'
   */
  readonly mode?: 'binding' | 'queue'
  /** @default 40 */
  readonly keys?: number
  /** Of the function `orders`, beside its topic. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Others beside `orders`; given the queue and the exchange, which has the same name. */
  readonly functions?: (queue: string) => readonly LedgerFunction[]
  readonly behaviour?: readonly BehaviourRule[]
  /** Of the delay queues, in whole seconds each, e.g. `['1s']`. @default the connector's own: 5s, 30s, 5m, 30m */
  readonly delays?: readonly string[]
  /** Messages that the connector may hold. @default 20 */
  readonly prefetch?: number
  /** Settings of the connector; they win over those of `quick`. */
  readonly env?: Readonly<Record<string, string>>
}

/** Short times, so that seconds hold many retries and probes; what they lead to is the product's own. */
const quick = {
  rebuild_interval: '200ms',
  retry_min_wait: '20ms',
  retry_max_wait: '200ms',
  breaker_function_open: '200ms',
  breaker_gateway_open: '200ms',
  rabbitmq_heartbeat: '2s',
  rabbitmq_connect_timeout: '2s',
  rabbitmq_max_reconnect_delay: '1s',
}

/** The program, as it is built. */
export const connectorMain: string = fileURLToPath(new URL('../../../packages/rabbitmq-connector/dist/main.js', import.meta.url))

const defaultDelays = ['5s', '30s', '5m', '30m']

const annotation = (name: string): string => `com.openfaas.connector.${name}`

/** Where the function `orders` has its events from. */
const intakeOf = ({ mode, queueType }: RunOptions, queue: string): Readonly<Record<string, string>> =>
  mode === 'binding'
    ? {
        [annotation('exchange')]: queue,
        [annotation('routing-keys')]: 'orders.*',
        [annotation('queue')]: queue,
        ...(queueType !== undefined && { [annotation('queue-type')]: queueType }),
      }
    : { topic: queue }

/**
 * One queue and one function, with a ledger on both sides: events come from here, functions note their calls in a process of their own, and
 * connectors are programs. Everything ends with it, its queues too.
 */
export class RabbitmqRun extends LedgerRun {
  readonly queue: string
  readonly prefetch: number
  readonly #options: RunOptions

  private constructor(options: RunOptions, queue: string, sides: OpenedSides) {
    super(sides)
    this.#options = options
    this.queue = queue
    this.prefetch = options.prefetch ?? 20
  }

  static async open(options: RunOptions): Promise<RabbitmqRun> {
    const { broker, annotations, functions, keys, behaviour } = options
    const queue = uniqueName('ledger')
    // What lies beside the queue is the connector's to declare.
    if (options.mode === 'binding') await broker.declareExchange(queue, 'topic')
    else await broker.declareQueue(queue, { type: options.queueType ?? 'quorum' })
    const orders = { name: 'orders', annotations: { ...intakeOf(options, queue), ...annotations } }
    const sides = await openSides({
      prefix: queue,
      functions: [orders, ...(functions?.(queue) ?? [])],
      ...(keys !== undefined && { keys }),
      ...(behaviour !== undefined && { behaviour }),
    })
    return new RabbitmqRun(options, queue, sides)
  }

  get letterQueue(): string {
    return `${this.queue}.dlq`
  }

  get tierQueues(): readonly string[] {
    return (this.#options.delays ?? defaultDelays).map((wait) => `${this.queue}.retry.${wait}`)
  }

  program(env: Readonly<Record<string, string>> = {}): ConnectorProgram {
    const { broker, door = 'amqp', delays } = this.#options
    const place = {
      rabbitmq_url: broker.url({ door }),
      gateway_url: this.functions.url,
      rabbitmq_prefetch: String(this.prefetch),
      ...(delays !== undefined && { rabbitmq_retry_delays: delays.join(',') }),
    }
    return { main: connectorMain, env: { ...quick, ...place, ...this.#options.env, ...env } }
  }

  /** Starts one more replica. */
  start(env: Readonly<Record<string, string>> = {}): Promise<Connector> {
    return this.startProgram(this.program(env))
  }

  load(options: Partial<LoadOptions> & Pick<LoadOptions, 'perSecond'>): Load {
    const { publisher, queue } = this
    const { broker, mode } = this.#options
    const binding = { exchange: queue, routingKey: ({ key }: LedgerEvent) => `orders.${key}` }
    const target = mode === 'binding' ? binding : { routingKey: queue }
    return this.addLoad(startLoad({ url: broker.url(), publisher, ...target, ...options }))
  }

  /** Publishes so many events as fast as it goes. */
  async publish(total: number): Promise<void> {
    await this.load({ perSecond: 20_000, total }).done
  }

  /** Waits until the queue and its delay queues are empty: everything is acknowledged. */
  async drained(timeoutMs = 30_000): Promise<void> {
    const { broker } = this.#options
    let last = ''
    const isEmpty = async (queue: string): Promise<boolean> => {
      const depth = await broker.depth(queue)
      if (depth === undefined || depth.ready + depth.unacked === 0) return true
      last = `${queue}: ${depth.ready} ready, ${depth.unacked} unacknowledged`
      return false
    }
    const look = async (): Promise<boolean> => {
      // One after the other, and twice: a message may go from the one that is looked at next into the one that was looked at before.
      const all = [this.queue, ...this.tierQueues]
      for (const queue of [...all, ...all]) if (!(await isEmpty(queue))) return false
      return true
    }
    // A broker that comes back does not answer for a moment.
    const ask = (): Promise<boolean> =>
      look().catch((error: unknown) => {
        last = String(error)
        return false
      })
    await waitUntil(ask, { timeoutMs, everyMs: 200, progress: () => last, what: () => `empty queues; ${last}${this.tails()}` })
  }

  /** Everything the ledger says, with the letters of the dead-letter queue. After `kills` crashes so many times the prefetch may have come again. */
  async report(options: Partial<ReportInput> & { readonly kills?: number } = {}): Promise<Report> {
    const { kills = 0, ...rest } = options
    return report({
      published: this.published(),
      invocations: this.invocations(),
      functions: ['orders'],
      letters: await readLetters(this.#options.broker, this.letterQueue),
      // Competing calls are what a queue is for; `order: 'key'` where the connector was told to keep it.
      order: 'none',
      duplicateBound: kills * this.prefetch,
      ...rest,
    })
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    const { broker } = this.#options
    const names = [this.queue, this.letterQueue, ...this.tierQueues]
    // The broker may be gone already; then so are they.
    await withChannel(broker.url(), async (channel) => {
      for (const name of names) await channel.deleteQueue(name)
      await channel.deleteExchange(this.queue)
    }).catch(() => undefined)
  }
}
