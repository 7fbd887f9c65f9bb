import type { Clock } from '../contract/clock.ts'
import type { DeadLetterSink } from '../contract/dead-letter.ts'
import type { SourceMetrics } from '../contract/metrics.ts'
import type { Logger } from '../contract/logger.ts'
import type { Source } from '../contract/source.ts'
import type { StateStore } from '../contract/state-store.ts'
import type { DeliveryLimits, DeliveryTimes, UnmatchedPolicy } from '../core/delivery/engine-options.ts'
import type { DeliveryObserver } from '../core/delivery/observer.ts'
import type { PolicyDefaults, RetryPolicy } from '../core/function-policy.ts'
import type { NamespaceSelection } from '../core/topics/watched-namespaces.ts'
import type { GatewayCredentials } from '../ports/gateway/gateway-client.ts'
import type { GatewayTls } from '../ports/gateway/http-pool.ts'
import type { Spool } from '../ports/spool/spool.ts'

/** The OpenFaaS gateway. */
export interface GatewayOptions {
  /** With a path prefix if it has one, e.g. `http://gateway.openfaas:8080`. Never with credentials in it. */
  readonly url: string
  /** Asked before each call of `/system/*`, the only place where credentials go. */
  readonly credentials?: () => Promise<GatewayCredentials | undefined>
  readonly tls?: GatewayTls
  /** One list call. @default 30000 */
  readonly listTimeoutMs?: number
  /** DNS, TCP and TLS of a new connection. @default 10000 */
  readonly connectTimeoutMs?: number
  /** Most of a reply that is read. @default 1048576 */
  readonly maxReplyBytes?: number
}

/** What a connector is made of. Everything but the gateway has a default. Stores and sinks stay open: whoever opens one closes it, after `stop()`. */
export interface ConnectorOptions {
  readonly gateway: GatewayOptions
  /** Where events come from. Absent: only `invoke()` brings them. */
  readonly source?: Source
  /** Value of `X-Connector`. @default `millrace/<source>-connector` */
  readonly name?: string
  /** Between two reads of the function list. @default 30000 */
  readonly rebuildIntervalMs?: number
  /** @default all namespaces */
  readonly namespaces?: NamespaceSelection
  /** What holds where a function's annotations say nothing. @default decision P4 */
  readonly policy?: Partial<Omit<PolicyDefaults, 'retry'>> & { readonly retry?: Partial<RetryPolicy> }
  /** Content type where neither function nor event has one. @default 'text/plain' */
  readonly contentType?: string
  readonly limits?: Partial<DeliveryLimits>
  readonly times?: Partial<DeliveryTimes>
  /** What becomes of an event that no function wants; `dead-letter` needs a place for them. @default 'ack' */
  readonly unmatched?: UnmatchedPolicy
  /** @default the source's own; without one, what would be a dead letter waits (`hold`) with an alarm */
  readonly deadLetters?: DeadLetterSink
  /** @default in memory, lost at exit */
  readonly state?: StateStore
  /** Required by a source with `replay: 'spool'`. */
  readonly spool?: Spool
  /** Deadline of a drain. @default 25000 */
  readonly drainMs?: number
  /** Where the source counts. @default nowhere */
  readonly metrics?: SourceMetrics
  /** @default silent */
  readonly logger?: Logger
  /** Told of every delivery, besides the connector's own listeners. */
  readonly observers?: readonly DeliveryObserver[]
  /** @default the system's */
  readonly clock?: Clock
  /** In [0, 1). @default Math.random */
  readonly random?: () => number
}
