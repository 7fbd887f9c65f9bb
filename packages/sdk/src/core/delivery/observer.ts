import type { AttemptResult } from '../attempt.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import type { ReleaseReason, RouteResult, Settlement } from '../../contract/delivery.ts'
import type { DeadLetter } from '../../contract/dead-letter.ts'
import type { DeadLetterReason, Outcome } from '../../contract/outcome.ts'

/** State of a breaker. Stable numbers for gauges: closed 0, half-open 1, open 2. */
export type BreakerState = 'closed' | 'half-open' | 'open'

/** One finished attempt with what the settle table made of it. */
export interface AttemptReport {
  readonly event: MillraceEvent
  readonly function: string
  /** From 1; probes that do not count keep the number of the attempt they repeat. */
  readonly attempt: number
  /** Made through `/async-function/`: a success means accepted by the queue. */
  readonly async: boolean
  readonly result: AttemptResult
  /** Row of the settle table, e.g. `S7`. */
  readonly row: string
  readonly outcome: Outcome
  /** The next wait, for `retry` and `hold`. */
  readonly waitMs?: number
}

/**
 * What the delivery core reports, synchronously and in order. Metrics, logs, typed events and tests all listen here;
 * a listener that throws is the runtime's to catch. Every method is optional.
 */
export interface DeliveryObserver {
  received?(event: MillraceEvent, intake: string): void
  /** No function wants the topic. */
  unmatched?(event: MillraceEvent, policy: 'ack' | 'hold' | 'dead-letter'): void
  attemptStarted?(event: MillraceEvent, functionName: string, attempt: number): void
  attemptFinished?(report: AttemptReport): void
  /** Headers of the event that were not sent: denied, invalid or over a limit. Once for a request. */
  headersDropped?(event: MillraceEvent, count: number): void
  /** A route is settled, one way or another. */
  routeSettled?(event: MillraceEvent, result: RouteResult): void
  /** Every route of the event is settled and `ack` has been called. */
  acknowledged?(event: MillraceEvent, settlement: Settlement, tookMs: number): void
  released?(event: MillraceEvent, reason: ReleaseReason): void
  /** A result arrived for an event that was already released. */
  fenced?(event: MillraceEvent, functionName: string): void
  deadLetterWritten?(letter: DeadLetter): void
  deadLetterFailed?(letter: DeadLetter, error: unknown, retryInMs: number): void
  /** The event itself cannot be delivered and there is no place for dead letters: it stays, and its window pauses. */
  held?(event: MillraceEvent, reason: DeadLetterReason, detail: string): void
  ackFailed?(event: MillraceEvent, error: unknown): void
  breakerChanged?(scope: 'gateway' | { readonly function: string }, state: BreakerState, why: string): void
  intakePaused?(intake: string | undefined, why: 'span' | 'queued' | 'bytes'): void
  intakeResumed?(intake: string | undefined): void
}
