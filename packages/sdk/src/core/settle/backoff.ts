import type { RetryPolicy } from '../function-policy.ts'
import type { RetryClock } from '../../contract/outcome.ts'

/** First and longest wait of the clocks that count nothing (decision P4). */
const slowClocks: Readonly<Record<Exclude<RetryClock, 'attempts'>, { readonly firstMs: number; readonly maxMs: number }>> = {
  'not-found': { firstMs: 1_000, maxMs: 10_000 },
  denied: { firstMs: 30_000, maxMs: 300_000 },
  redirect: { firstMs: 30_000, maxMs: 300_000 },
  unavailable: { firstMs: 5_000, maxMs: 60_000 },
}

const grow = (firstMs: number, maxMs: number, nth: number): number =>
  // 2^52 is far beyond every maximum; without the cut the product would be Infinity.
  Math.min(maxMs, firstMs * 2 ** Math.min(nth - 1, 52))

/**
 * The wait before the next attempt.
 *
 * @param nth how many waits of this clock there have been, this one included; from 1
 * @param random in [0, 1)
 * @returns milliseconds, at most the clock's maximum
 */
export const backoffMs = (clock: RetryClock, policy: RetryPolicy, nth: number, random: () => number): number => {
  if (clock !== 'attempts') {
    const { firstMs, maxMs } = slowClocks[clock]
    // Slow clocks keep three quarters of the wait, so that many lanes do not knock at once and none knocks early.
    return Math.round(grow(firstMs, maxMs, nth) * (0.75 + random() / 4))
  }
  const wait = grow(policy.minWaitMs, policy.maxWaitMs, nth)
  if (policy.jitter === 'none') return wait
  return Math.round(policy.jitter === 'equal' ? wait * (0.5 + random() / 2) : wait * random())
}
