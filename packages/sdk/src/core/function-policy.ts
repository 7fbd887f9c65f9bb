import type { Order } from '../contract/source.ts'
import type { MillraceEvent } from '../contract/event.ts'

/** How often and how long a failed route is tried again. Decision P4. */
export interface RetryPolicy {
  /** Calls, the first included. @default 10 */
  readonly attempts: number
  /** First wait, before jitter. @default 500 */
  readonly minWaitMs: number
  /** Longest wait. @default 60000 */
  readonly maxWaitMs: number
  /** `full`: 0-100 % of the wait, `equal`: 50-100 %, `none`. @default 'full' */
  readonly jitter: 'full' | 'equal' | 'none'
  /** Statuses to try again besides those of the settle table, from `com.openfaas.retry.codes`; absent: the table alone. */
  readonly codes?: ReadonlySet<number>
  /** Age, from the first attempt, after which an event goes to the dead letters. @default 86400000 */
  readonly maxAgeMs: number
  /** How long 404 is taken for a redeployment. @default 300000 */
  readonly notFoundGraceMs: number
  /** Longest `Retry-After` that is obeyed. @default 300000 */
  readonly retryAfterCapMs: number
  /** While a function has served nobody since, nothing is given up as exhausted before this. @default 3600000 */
  readonly poisonAfterMs: number
}

/** What `dead-letter` says: the sink, wait for ever with an alarm, or drop (explicit only, counted). */
export type DeadLetterPolicy = 'sink' | 'hold' | 'drop'

/** Decides whether a function wants an event. Pure; never throws. */
export type EventFilter = (event: MillraceEvent) => boolean

/** Several events in one request. */
export interface BatchPolicy {
  /** Most events of a request; from 2. */
  readonly size: number
  /** How long a request waits for more events. @default 500 */
  readonly windowMs: number
  /** Most bytes of event data in a request; one larger event goes alone. @default 4194304 */
  readonly maxBytes: number
  /** A JSON array of our own items, or a CloudEvents batch. @default 'json' */
  readonly format: 'json' | 'cloudevents'
}

/** Everything a function's annotations and the connector's defaults say about its routes. Compiled once per declaration. */
export interface FunctionPolicy {
  readonly function: string
  /** @default the source's */
  readonly order: Order
  /** Requests in flight at once. @default 32 */
  readonly concurrency: number
  /** Attempts per second; absent: no limit. */
  readonly ratePerSecond?: number
  /** One attempt. @default 120000 */
  readonly timeoutMs: number
  readonly async: boolean
  readonly contentType?: string
  readonly filter?: EventFilter
  /** Absent: one event in a request. */
  readonly batch?: BatchPolicy
  readonly deadLetter: DeadLetterPolicy
  readonly retry: RetryPolicy
  /** Changes when the function was deployed again or its annotations changed. */
  readonly revision: string
}

/** Defaults of the connector, before a function's annotations. */
export type PolicyDefaults = Omit<FunctionPolicy, 'function' | 'revision' | 'filter' | 'ratePerSecond' | 'contentType' | 'batch'>

/** The values of decision P4 and of the page's defaults. */
export const defaultPolicy: PolicyDefaults = {
  order: 'none',
  concurrency: 32,
  timeoutMs: 120_000,
  async: false,
  deadLetter: 'sink',
  retry: {
    attempts: 10,
    minWaitMs: 500,
    maxWaitMs: 60_000,
    jitter: 'full',
    maxAgeMs: 86_400_000,
    notFoundGraceMs: 300_000,
    retryAfterCapMs: 300_000,
    poisonAfterMs: 3_600_000,
  },
}
