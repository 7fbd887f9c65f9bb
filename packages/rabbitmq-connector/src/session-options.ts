import type { FunctionDeclaration, Order } from '@millrace/sdk'
import type { HandOver } from './consumer/hand-over.ts'
import type { Isolation } from './consumer/isolation.ts'
import type { RabbitmqObserver } from './consumer/observer.ts'
import type { IntakePlan, TopologyPlan } from './topology/plan.ts'
import type { AmqpConnection, AmqpLink, Publisher } from './transport/transport.ts'

/** Times of a session in milliseconds, and other numbers. */
export interface SessionTimes {
  /** How long `connect` waits for a link. @default 15000 */
  readonly linkMs: number
  /** How long changes of the functions are gathered. @default 1000 */
  readonly settleMs: number
  /** How long what is in flight of a queue that nobody wants any more may go on. @default 10000 */
  readonly drainMs: number
  /** How long the broker may take to answer one request. @default 20000 */
  readonly requestMs: number
  /** How often it is looked whether the broker still knows the consumers. @default 30000 */
  readonly checkMs: number
  /** Streams: how long a position may wait to be stored. @default 1000 */
  readonly checkpointMs: number
  /** Streams: finished messages after which it waits no longer. @default 1000 */
  readonly checkpointEvery: number
  /** Streams: how long a replica that has died keeps the others from reading. @default 30000 */
  readonly leaseMs: number
  /** Streams: messages behind the oldest unfinished one. @default 10000 */
  readonly maxSpan: number
}

/** What declares queues, and forgets them. */
export interface Topology {
  plan(functions: readonly FunctionDeclaration[], serverVersion: string): TopologyPlan
  /** Declares what an intake needs. @returns how many of its bindings are refused just now @throws MillraceError why it cannot be consumed */
  apply(link: AmqpLink, plan: IntakePlan): Promise<number>
  /**
   * Sees to queues that nobody consumes, after each new plan.
   * @param latest the plan in force: it may change meanwhile
   * @returns in how many milliseconds it should be called again
   */
  tidy(link: AmqpLink, latest: () => TopologyPlan): Promise<number | undefined>
}

/** Everything a session is given. */
export interface SessionOptions {
  readonly connection: AmqpConnection
  readonly isolation: Isolation
  readonly publisher: Publisher
  readonly topology: Topology
  readonly handOver: HandOver
  readonly observer: RabbitmqObserver
  readonly times: SessionTimes
  readonly vhost: string
  /** Of functions that say none. */
  readonly order: Order
  /** The beginning of consumer tags: host and process. */
  readonly host: string
  readonly random: () => number
  readonly soon: (run: () => void) => void
  /** What is wanted has changed. */
  readonly onPlan: (plan: TopologyPlan) => void
}
