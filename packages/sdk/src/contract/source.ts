import type { Clock } from './clock.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import type { Delivery, Target } from './delivery.ts'
import type { AnnotationProblem, FunctionsView } from './functions-view.ts'
import type { Logger } from './logger.ts'
import type { SourceMetrics } from './metrics.ts'
import type { StateStore } from './state-store.ts'

/**
 * What must not overtake what, per function:
 * `partition` (events of one partition), `key` (events of one ordering key), `none`.
 */
export type Order = 'none' | 'key' | 'partition'

/**
 * The plug-in half of a connector: it talks to one kind of broker or clock and knows nothing of HTTP, retries or order.
 *
 * A source connects, hands over deliveries, closes. Everything else (which functions, how often, how many at once,
 * when to acknowledge) is the runtime's.
 */
export interface Source {
  /** Lower-case word, e.g. `kafka`: names metrics, logs and the default header prefix. */
  readonly name: string
  /** `broker`: what is not acknowledged comes again. `spool`: nobody would give it again, so the runtime stores it durably in `accept`. */
  readonly replay: 'broker' | 'spool'
  /** The order when the function says nothing. @default 'none' */
  readonly order?: Order
  /**
   * `prefix`: the position moves only over a contiguous prefix, so the runtime also bounds the span behind a stuck event.
   * `each`: every event is acknowledged by itself.
   * @default 'each'
   */
  readonly position?: 'each' | 'prefix'
  /** Goes before the name of each forwarded event header; `ce-*`, `traceparent` and `tracestate` keep theirs. @default `X-<Name>-` */
  readonly headerPrefix?: string
  /** Names that its events' `attributes` may have: no header of a message can take their place, even where an event lacks them. */
  readonly attributeNames?: readonly string[]
  /** Annotations that it reads, by full name, e.g. `com.openfaas.connector.timezone`; an entry that ends in `.` declares all that begin with it. */
  readonly annotations?: readonly string[]
  /** Keep each function's reply for the settlement (RabbitMQ reply-to). @default false */
  readonly replies?: boolean
  /**
   * Open and begin to emit; resolves when subscribed. Called again, with back-off and for ever, when the session is lost.
   * A rejection is a failed connect: it is logged, readiness says so, and it is tried again.
   */
  connect(context: SourceContext): Promise<Session>
  /** The broker's own dead letters, e.g. a topic. Used unless the connector is given another sink. */
  readonly deadLetters?: DeadLetterSink
  /**
   * Take over a delayed retry of these routes (RabbitMQ's delay queues). Resolves true once it is durable there, and
   * the routes settle as `deferred`; false or a rejection: the runtime waits itself. Never called for ordered lanes.
   */
  defer?(delivery: Delivery, routes: readonly Target[], afterMs: number): Promise<boolean>
  /** Waits from this on are offered to `defer`, in milliseconds; shorter ones are the runtime's. @default 5000 */
  readonly deferFromMs?: number
  /**
   * Longest wait between two calls of `connect`, in milliseconds. A source that waits for its broker within `connect`, with a back-off of its
   * own, says less: the runtime's grows with every loss, also of sessions that were good but short, and comes on top.
   * @default 30000
   */
  readonly maxReconnectMs?: number
  /** The connector has stopped for good; free what outlives sessions. */
  dispose?(): Promise<void>
}

/** One connection of a source, from `connect` until `closed` resolves. */
export interface Session {
  /** Resolves once, never rejects: `undefined` when closed by `close()`, the reason when the broker was lost. */
  readonly closed: Promise<Error | undefined>
  /** Stop emitting, soon: what is already on its way may still be emitted. Absent: all intakes. Idempotent. What it throws is logged. */
  pause(intake?: string): void
  /** Undo `pause`. `resume()` without a name lifts `pause()` without a name only. Idempotent. What it throws is logged. */
  resume(intake?: string): void
  /** Last commit or ack, then leave. All deliveries are acknowledged or released before it is called. */
  close(): Promise<void>
}

/** What the runtime gives to a source. */
export interface SourceContext {
  /** Declarations of the functions, kept fresh. */
  readonly functions: FunctionsView
  /** Hand over one delivery: synchronous, never waits for a function, never throws. Order of calls is the order of events. */
  emit(delivery: Delivery): void
  /** For `replay: 'spool'`: resolves true once the event is durable here, false when the spool is full. The delivery is then emitted by the runtime. */
  accept(delivery: Delivery): Promise<boolean>
  /**
   * Ownership is going: no new attempt starts for these intakes, what is in flight may finish for up to `drainMs`,
   * the rest is released. Resolves when all of it is acknowledged or released; results that come later are fenced.
   * An intake may be used again afterwards.
   */
  revoke(intakes: readonly string[] | 'all', drainMs: number): Promise<void>
  /** Annotations that this source cannot use. Replaces what it reported before. */
  reportProblems(problems: readonly AnnotationProblem[]): void
  /**
   * The session stands, and still nothing can be taken in, for this reason: readiness says it, until this is called with `undefined` or the
   * session ends. For trouble that the source mends by itself; absent where nobody asks for readiness.
   */
  notReady?(reason: Error | undefined): void
  /** Where dead letters go: the source's own sink, or the one that the connector was given instead. @default the source's own */
  readonly deadLetters?: DeadLetterSink
  readonly state: StateStore
  /** Metrics of the source's own. */
  readonly metrics: SourceMetrics
  readonly clock: Clock
  /** Aborts when a drain begins: take nothing new in, and go on serving what is in flight. */
  readonly draining: AbortSignal
  /** Aborts when the connector stops: nothing is in flight any more. */
  readonly signal: AbortSignal
  readonly logger: Logger
}
