import type { Clock } from '../../contract/clock.ts'
import type { DeadLetterSink } from '../../contract/dead-letter.ts'
import type { HeaderNaming } from '../../contract/event.ts'
import type { Source } from '../../contract/source.ts'
import type { Invoker } from '../attempt.ts'
import type { FunctionPolicy } from '../function-policy.ts'
import type { DeliveryObserver } from './observer.ts'

/** What the delivery core asks of the topic map. */
export interface RoutingTable {
  match(topic: string): readonly { readonly policy: FunctionPolicy }[]
  get(name: string): { readonly policy: FunctionPolicy } | undefined
}

/** Bounds of the delivery core. At a bound intake is paused; nothing is dropped. */
export interface DeliveryLimits {
  /** Attempts in flight over all functions. @default 256 */
  readonly maxInFlight: number
  /** Events that are not settled, over all intakes. @default 20000 */
  readonly maxEvents: number
  /** Bytes of their data and headers. @default 67108864 */
  readonly maxBytes: number
  /** Unsettled events of one intake, and the span behind its oldest one where positions are prefixes. @default 10000 */
  readonly window: number
  /** Events with more data go to the dead letters as `too-large`. @default 16777216 */
  readonly maxEventBytes: number
}

/** @see DeliveryLimits */
export const defaultLimits: DeliveryLimits = {
  maxInFlight: 256,
  maxEvents: 20_000,
  maxBytes: 64 * 1024 * 1024,
  window: 10_000,
  maxEventBytes: 16 * 1024 * 1024,
}

/** Times of the breakers and of what is tried again outside the retry policy. */
export interface DeliveryTimes {
  /** Until a function's breaker lets a probe through. @default 30000 */
  readonly functionOpenMs: number
  /** Until the gateway's breaker does; short, since a probe costs one request. @default 5000 */
  readonly gatewayOpenMs: number
  /** Between attempts of a route that may not settle (`dead-letter: hold`). @default 300000 */
  readonly holdMs: number
  /** Waits from this on are offered to the source's `defer`. @default 5000 */
  readonly deferFromMs: number
}

/** @see DeliveryTimes */
export const defaultTimes: DeliveryTimes = { functionOpenMs: 30_000, gatewayOpenMs: 5_000, holdMs: 300_000, deferFromMs: 5_000 }

/** What happens to an event that no function wants. */
export type UnmatchedPolicy = 'ack' | 'hold' | 'dead-letter'

/** Everything the delivery core is given. It has no I/O, clock or randomness of its own. */
export interface EngineOptions {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly invoker: Invoker
  readonly observer: DeliveryObserver
  readonly source: Pick<Source, 'position' | 'defer'>
  /** The source's, kept in dead letters. */
  readonly naming?: HeaderNaming | undefined
  /** Absent: what would be a dead letter waits (`hold`) with an alarm. */
  readonly deadLetters: DeadLetterSink | undefined
  readonly limits: DeliveryLimits
  readonly times: DeliveryTimes
  readonly unmatched: UnmatchedPolicy
  /** Keep reply bodies: a source or a subscriber wants them. Asked for each attempt. */
  readonly wantReply: () => boolean
  /** Back-pressure: tell the session. `undefined` names all intakes. */
  readonly pause: (intake: string | undefined) => void
  readonly resume: (intake: string | undefined) => void
}
