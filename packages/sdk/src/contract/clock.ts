/** A pending timer. */
export interface Timer {
  cancel(): void
}

/** Time is injected everywhere, so that tests never sleep. */
export interface Clock {
  /** Wall clock, epoch milliseconds. May step. */
  now(): number
  /** Monotonic milliseconds from an arbitrary start. Never steps. */
  monotonic(): number
  /** Calls `run` once after `ms` milliseconds of monotonic time. Waits above 2^31-1 ms are allowed. The timer keeps no process alive by itself. */
  after(ms: number, run: () => void): Timer
}
