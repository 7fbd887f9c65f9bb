import type { Conservation } from './ledger.ts'

/** What the delivery core holds just now, for gauges. */
export interface DeliveryStats extends Conservation {
  readonly inFlightAttempts: number
  readonly queuedBytes: number
  /** Age of the oldest event that is not settled, monotonic milliseconds; 0 when there is none. */
  readonly oldestUnackedMs: number
  readonly pausedIntakes: number
}
