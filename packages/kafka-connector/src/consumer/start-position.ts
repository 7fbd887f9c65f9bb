import type { CommittedOffset, LogRange } from '../driver/driver.ts'
import { startAt } from './partition.ts'
import type { StartPosition } from './partition.ts'

/** Where a partition begins that nobody has committed a position for. */
export type InitialOffset = 'oldest' | 'newest'

/** What happens when retention has deleted records before they were delivered, or the log was cut or made anew. */
export type OutOfRangePolicy = 'earliest' | 'latest' | 'fail'

/** What a client knows that asked for an offset outside the log. */
export interface LostPosition {
  /** Its own, by what was finished; absent when it had none yet. */
  readonly position: StartPosition | undefined
  /** What it asked for. */
  readonly fetchedTo: number
}

/** @see decideStart */
export type StartDecision =
  | { readonly kind: 'start'; readonly position: StartPosition; readonly alert: boolean }
  /** The policy `fail`: a person must decide. */
  | { readonly kind: 'fail' }

/**
 * Where to begin. A position that is not the broker's own yet is committed before the first record is taken: else a crash would decide
 * again, later, and `newest` would skip what came in between.
 *
 * A client that was refused an offset which the log has goes on from its own position: it has asked a follower that lags behind, and kafkajs
 * takes that for the whole log (it keeps its preferred replica as an object, and looks for a number). A log that ends before what was asked
 * for may be another one under the same name: its own position says nothing there.
 *
 * @param lost the client had a position and was refused: it is never a first start, whatever is committed
 */
export const decideStart = (
  committed: Pick<CommittedOffset, 'offset' | 'metadata'>,
  { low, high }: Pick<LogRange, 'low' | 'high'>,
  rules: { readonly initialOffset: InitialOffset; readonly outOfRange: OutOfRangePolicy },
  lost: LostPosition | undefined,
): StartDecision => {
  const begin = (offset: number, alert: boolean): StartDecision => ({
    kind: 'start',
    position: { offset, done: [], committed: false },
    alert,
  })
  const own = lost?.position
  if (lost !== undefined && own !== undefined && own.offset >= low && lost.fetchedTo <= high) {
    // By now kafkajs has committed -2 over it.
    return { kind: 'start', position: { offset: own.offset, done: own.done, committed: false }, alert: false }
  }
  if (committed.offset === -1 && lost === undefined) return begin(rules.initialOffset === 'newest' ? high : low, false)
  if (committed.offset >= low && committed.offset <= high) {
    return { kind: 'start', position: startAt(committed.offset, committed.metadata, high), alert: false }
  }
  // -2 is what kafkajs commits by itself when a position is out of range.
  if (rules.outOfRange === 'fail') return { kind: 'fail' }
  return begin(rules.outOfRange === 'latest' ? high : low, true)
}
