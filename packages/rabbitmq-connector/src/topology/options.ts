import type { ExchangeType } from '../transport/transport.ts'
import type { ProQueue } from './pro-queues.ts'
import type { TemplumExchange } from './templum.ts'

/** What the configuration says about queues. Times in milliseconds. */
export interface TopologyOptions {
  /**
   * What a topic is that functions name. `queue`: the name of a queue, as in OpenFaaS Pro. `exchange`: a routing key or pattern on
   * `exchange`. `none`: nothing here; only annotations and `templum` count. Queues of `queues` and `topics` are named by topics in any mode.
   * @default 'queue'
   */
  readonly mode: 'queue' | 'exchange' | 'none'
  /** Queues in OpenFaaS Pro's form: declared where they are missing. With one of these or of `topics` no other queue is taken by its topic. */
  readonly queues: readonly ProQueue[]
  /** Names of queues that are consumed if functions name them. Checked, or declared with `declareTopics`. */
  readonly topics: readonly string[]
  /** Mode `exchange`, and the exchange of functions that have `routing-keys` and no `exchange`. */
  readonly exchange?: {
    readonly name: string
    /** Absent: it is only checked. */ readonly type?: ExchangeType
    /** @default `faas.exchange:<name>` */ readonly queue?: string
  }
  /** Of a Templum `topology.yaml`. */
  readonly templum: readonly TemplumExchange[]
  /** False: nothing is declared or bound, everything is only checked, for users without the right to configure. @default true */
  readonly declare: boolean
  /** Declare queues that functions name by topic where they are missing. @default false */
  readonly declareTopics: boolean
  /** For queues of our own that may have either. @default 'quorum' */
  readonly queueType: 'quorum' | 'classic'
  /** Returns of a message (crashes, mostly) after which a quorum queue dead-letters it by itself. @default 10 */
  readonly deliveryLimit: number
  /** Delay queues, from the shortest. @default 5 s, 30 s, 5 min, 30 min */
  readonly tiersMs: readonly number[]
  /** Template of dead-letter queues; `undefined`: there are none. @default '{queue}.dlq' */
  readonly deadLetterQueue: string | undefined
  /** Calls at once per queue where functions do not say: prefetch is twice that. @default 10 */
  readonly concurrency: number
  /** Prefetch where functions do not say. @default twice the concurrency */
  readonly prefetch?: number
  /** For every queue of ours: one consumer at a time over all replicas, in order. @default false */
  readonly singleActiveConsumer: boolean
  readonly consumerPriority?: number
  /** Delete queues of functions that nobody has consumed for so long, WITH the messages in them. @default never */
  readonly expiresMs?: number
  /** `x-consumer-timeout` of our queues, from 3.12 on. @default the broker's */
  readonly consumerTimeoutMs?: number
  /** The namespace of functions that the gateway lists without one. @default 'openfaas-fn' */
  readonly defaultNamespace: string
  /** Delayed retry of RabbitMQ 4.3's quorum queues for queues of one function. Never run against a 4.3 broker: unverified. @default false */
  readonly nativeRetry: boolean
  /** Most queues that are consumed; a connection of AMQP has at most 2047 channels by default. @default 1000 */
  readonly maxQueues: number
  /** As the broker says; arguments that it would not know are left out. */
  readonly serverVersion: string
}

/** What counts where nothing is said. */
export const defaultTopology: TopologyOptions = {
  mode: 'queue',
  queues: [],
  topics: [],
  templum: [],
  declare: true,
  declareTopics: false,
  queueType: 'quorum',
  deliveryLimit: 10,
  tiersMs: [5000, 30_000, 300_000, 1_800_000],
  deadLetterQueue: '{queue}.dlq',
  concurrency: 10,
  singleActiveConsumer: false,
  defaultNamespace: 'openfaas-fn',
  nativeRetry: false,
  maxQueues: 1000,
  serverVersion: '3.10.0',
}
