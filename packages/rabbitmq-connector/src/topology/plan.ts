import type { AnnotationProblem } from '@millrace/sdk'
import type { FieldTable } from '../transport/message.ts'
import type { ExchangeType, ExchangeOptions, QueueOptions } from '../transport/transport.ts'
import type { RabbitmqAnnotations } from './annotations.ts'
import type { StreamStart } from './stream-start.ts'

export type { StreamStart } from './stream-start.ts'

/** A queue to declare. */
export interface QueueDeclaration extends QueueOptions {
  readonly queue: string
  /**
   * `declare`: ours; one with other arguments is used as it is, with a warning. `when-missing`: somebody else may have made it, and one
   * that exists is right as it is. `check`: nothing may be declared here (`rabbitmq_declare` is false).
   */
  readonly how: 'declare' | 'when-missing' | 'check'
}

/** An exchange that must be there. */
export interface ExchangeDeclaration extends ExchangeOptions {
  readonly exchange: string
  readonly type: ExchangeType
  /** Somebody else's: it is checked and never declared. */
  readonly passive: boolean
}

export interface Binding {
  readonly exchange: string
  readonly routingKey: string
  /** For an exchange of type `headers`. */
  readonly arguments?: FieldTable
}

/** A delay queue: what lies in it goes back to the work queue after `delayMs`. */
export interface DelayTier {
  readonly delayMs: number
  readonly queue: string
}

/** What is declared before an intake is consumed, in this order: exchanges, dead letters, tiers, the queue, its bindings. */
export interface IntakeDeclarations {
  readonly exchanges: readonly ExchangeDeclaration[]
  /** Dead-letter and delay queues. */
  readonly besides: readonly QueueDeclaration[]
  /** Absent: somebody else's, only checked. */
  readonly queue?: QueueDeclaration
  readonly bindings: readonly Binding[]
  /** Its function has a faulty annotation: what was bound before stays bound, for nobody knows what was meant. */
  readonly keepBindings?: boolean
}

/** One queue that is consumed. Its name is the name of the intake. */
export interface IntakePlan {
  readonly queue: string
  /** `queue`: the topic is the queue's name. `binding`: a queue of one function. `exchange`: the topic is the routing key, the SDK matches. */
  readonly mode: 'queue' | 'binding' | 'exchange' | 'stream'
  /** `binding`, or a stream of one function: the only function that it is for, as it is called. */
  readonly function?: string
  /** What functions name: the queue or the routing key. */
  readonly topic: 'queue' | 'routing-key'
  /** Messages that may be unacknowledged at once; never 0. */
  readonly prefetch: number
  /** Deliver to one consumer at a time, in order: no delay queue is used, a retry waits in its lane. */
  readonly ordered: boolean
  readonly consumerPriority?: number
  readonly stream?: StreamStart
  /** From the shortest; empty: retries wait in process. */
  readonly tiers: readonly DelayTier[]
  /** The queue is asked to give a rejected message back after a wait of its own (RabbitMQ 4.3, unverified). */
  readonly nativeRetry?: boolean
  /** Where its dead letters go; absent: nowhere of its own. */
  readonly deadLetterQueue?: string
  readonly declare: IntakeDeclarations
}

/** What the functions and the configuration want, over everything. Pure: nothing is declared yet. */
export interface TopologyPlan {
  /** By queue. */
  readonly intakes: ReadonlyMap<string, IntakePlan>
  /** Configured queues that no function wants just now: declared, so that what is published is kept, and not consumed. */
  readonly unwanted: ReadonlyMap<string, IntakeDeclarations>
  /** What the annotations of each function say, for what is no topology (`reply`). Every function is in it. */
  readonly functions: ReadonlyMap<string, RabbitmqAnnotations>
  readonly problems: readonly AnnotationProblem[]
}
