import type { Clock } from '@millrace/sdk'

/** Waits for `work`, but not longer than `ms`. True when it ended in time; it must not reject. */
export const within = async (clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = clock.after(ms, () => resolve(false))
  try {
    return await Promise.race([work.then(() => true as const), late])
  } finally {
    timer.cancel()
  }
}

/** `work`, or what `late` makes after `ms`: then its own end, whichever way, matters to nobody. */
export const orFail = async <T>(clock: Clock, ms: number, work: Promise<T>, late: () => Error): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = clock.after(ms, () => reject(late()))
  try {
    return await Promise.race([work, promise])
  } finally {
    timer.cancel()
  }
}
