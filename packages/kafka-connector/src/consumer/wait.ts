import type { Clock } from '@millrace/sdk'

/** Resolves after `ms`, or as soon as `signal` aborts. */
export const sleep = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const end = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.after(ms, end)
    signal?.addEventListener('abort', end)
  })

/** Waits for `work`, but not longer than `ms`. True when it ended in time; it must not reject. */
export const within = async (clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> => {
  let timer: { cancel(): void } | undefined
  const late = new Promise<false>((resolve) => {
    timer = clock.after(ms, () => resolve(false))
  })
  try {
    return await Promise.race([work.then(() => true as const), late])
  } finally {
    timer?.cancel()
  }
}
