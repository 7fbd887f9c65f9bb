import type { RetryPolicy } from '../function-policy.ts'
import type { Outcome } from '../../contract/outcome.ts'
import { backoffMs } from './backoff.ts'
import type { FinishedAttempt } from './classify.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { SettleRow } from './table.ts'

/** What the settle table must know of a route to decide. */
export interface RouteFacts {
  /** Attempts counted so far, without this one. */
  readonly counted: number
  /** Waits of the row's clock so far. */
  readonly waits: number
  /** Epoch milliseconds of the first attempt; this one's start for a new route. */
  readonly firstAttemptAt: number
  /** Epoch milliseconds of the first 404 in a row. */
  readonly notFoundSince?: number
  /** The topic map still lists the function. */
  readonly listed: boolean
  /** The gateway's breaker is not closed. */
  readonly gatewayDown: boolean
  /** A probe of a breaker behind which nothing has succeeded since it opened: it uses up no attempt. */
  readonly freeProbe: boolean
  /** Attempts used up may end the route: false while the function serves nobody and `poison-after` has not passed. */
  readonly mayExhaust: boolean
}

/**
 * The outcome of one attempt: the row's action, bounded by the route's attempts and ages. Total and pure.
 *
 * @param now epoch milliseconds
 * @param random in [0, 1), for the jitter
 */
export const settle = (
  row: SettleRow,
  result: FinishedAttempt,
  facts: RouteFacts,
  policy: RetryPolicy,
  now: number,
  random: () => number,
): Outcome => {
  const { action } = row
  if (action.kind === 'done') return { kind: 'done' }
  if (action.kind === 'dead-letter') return { kind: 'dead-letter', reason: action.reason }
  if (!facts.listed) return { kind: 'drop', reason: 'unlisted' }
  const counts = row.counts === 'yes' || (row.counts === 'while-gateway-up' && !facts.gatewayDown)
  const spends = counts && !facts.freeProbe
  // While the gateway is away nothing is known about the function: no age and no count may end the route.
  const spared = row.feeds === 'gateway'
  if (!spared) {
    if (action.clock === 'attempts' && spends && facts.counted + 1 >= policy.attempts && facts.mayExhaust) {
      return { kind: 'dead-letter', reason: action.whenOver }
    }
    if (action.clock === 'not-found' && now - (facts.notFoundSince ?? now) >= policy.notFoundGraceMs) {
      return { kind: 'dead-letter', reason: action.whenOver }
    }
    if (now - facts.firstAttemptAt >= policy.maxAgeMs) {
      return { kind: 'dead-letter', reason: action.clock === 'attempts' ? 'max-age' : action.whenOver }
    }
  }
  return { kind: 'retry', afterMs: waitMs(row, result, facts, policy, now, random), clock: action.clock, counts: spends }
}

const waitMs = (
  row: SettleRow,
  result: FinishedAttempt,
  facts: RouteFacts,
  policy: RetryPolicy,
  now: number,
  random: () => number,
): number => {
  if (row.retryAfter === true && result.kind === 'response') {
    const asked = parseRetryAfter(result.reply.headers['retry-after'], now, policy.retryAfterCapMs)
    if (asked !== undefined) return Math.max(asked, Math.min(policy.minWaitMs, policy.retryAfterCapMs))
  }
  const clock = row.action.kind === 'retry' ? row.action.clock : 'attempts'
  return backoffMs(clock, policy, facts.waits + 1, random)
}
