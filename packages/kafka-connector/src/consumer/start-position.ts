import type { CommittedOffset, LogRange } from '../driver/driver.ts'
import { startAt } from './partition.ts'
import type { StartPosition } from './partition.ts'

/** Where a partition begins that nobody has committed a position for. */
export type InitialOffset = 'oldest' | 'newest'

/** What happens when retention has deleted records before they were delivered, or the log was cut or made anew. */
export type OutOfRangePolicy = 'earliest' | 'latest' | 'fail'

/** @see decideStart */
export type StartDecision =
  | { readonly kind: 'start'; readonly position: StartPosition; readonly alert: boolean }
  /** The policy `fail`: a person must decide. */
  | { readonly kind: 'fail' }

/**
 * Where to begin. A position that is not the broker's own yet is committed before the first record is taken: else a crash would decide
 * again, later, and `newest` would skip what came in between.
 *
 * @param lost the client had a position and found it outside the log: it is never a first start, whatever is committed
 */
export const decideStart = (
  committed: Pick<CommittedOffset, 'offset' | 'metadata'>,
  { low, high }: Pick<LogRange, 'low' | 'high'>,
  rules: { readonly initialOffset: InitialOffset; readonly outOfRange: OutOfRangePolicy },
  lost: boolean,
): StartDecision => {
  const begin = (offset: number, alert: boolean): StartDecision => ({
    kind: 'start',
    position: { offset, done: [], committed: false },
    alert,
  })
  if (committed.offset === -1 && !lost) return begin(rules.initialOffset === 'newest' ? high : low, false)
  if (committed.offset >= low && committed.offset <= high) {
    return { kind: 'start', position: startAt(committed.offset, committed.metadata, high), alert: false }
  }
  // -2 is what kafkajs commits by itself when a position is out of range.
  if (rules.outOfRange === 'fail') return { kind: 'fail' }
  return begin(rules.outOfRange === 'latest' ? high : low, true)
}
