import type { Clock } from '../contract/clock.ts'

/** Waits for `work`, but no longer than `ms` milliseconds: true when it came to its end. Rejects when it does; what it throws later is nobody's. */
export const atMost = async (clock: Clock, ms: number, work: PromiseLike<unknown> | undefined): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = clock.after(ms, () => resolve(false))
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), late])
  } finally {
    timer.cancel()
  }
}
