import type { Clock, Timer } from '../contract/clock.ts'

/** The longest wait that Node's timers take; a longer one would fire at once. */
const longestTimeout = 2_147_483_647

/**
 * The real clock. Its timers keep no process alive, may wait longer than 24.8 days, and are never early by `monotonic()`
 * (Node's own may be, by up to a millisecond).
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms: number, run: () => void): Timer {
    const due = performance.now() + (ms > 0 ? ms : 0)
    let timeout: NodeJS.Timeout
    const wait = (left: number): void => {
      timeout = setTimeout(wake, Math.min(Math.ceil(left), longestTimeout))
      timeout.unref()
    }
    const wake = (): void => {
      const left = due - performance.now()
      if (left > 0) wait(left)
      else run()
    }
    wait(due - performance.now())
    return { cancel: () => clearTimeout(timeout) }
  },
}
