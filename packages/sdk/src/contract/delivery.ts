import type { MillraceEvent } from './event.ts'
import type { DeadLetterReason, RetryClock, Settled } from './outcome.ts'

/** How a route has waited so far: waits grow, and grace periods run, over those that the source takes over too. */
export interface Waited {
  /** The clock of the last wait. */
  readonly clock: RetryClock
  /** Waits of this clock in a row, the last one included. */
  readonly times: number
  /** Epoch milliseconds of the first 404 in a row. */
  readonly notFoundSince?: number
}

/** One function that an event is bound for. */
export interface Target {
  /** The function as it is called: `NAME` or `NAME.NAMESPACE`. */
  readonly function: string
  /** Attempts already made, the first included; 0 for a new route. */
  readonly attempts: number
  /** Epoch milliseconds of the first attempt, if there was one. The maximum age counts from it. */
  readonly firstAttemptAt?: number
  /** Given to `defer`, to be given back with the retry. Absent: as many waits as attempts. */
  readonly waited?: Waited
}

/** A function's answer, kept only where a source or a response subscriber wants it. */
export interface Reply {
  readonly status: number
  /** Lower-case names; a repeated header is a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** At most the configured cap (default 1 MiB). */
  readonly body: Uint8Array
  /** The body was longer than the cap and was cut. */
  readonly truncated: boolean
}

/** How one route of an event ended. */
export interface RouteResult {
  /** `attempts` here includes the last one. */
  readonly target: Target
  readonly outcome: Settled
  /** Status of the last attempt; absent when there was no response. */
  readonly status?: number
  /** Why, for `dead-lettered`. */
  readonly reason?: DeadLetterReason
  /** Only when the source sets `replies`. */
  readonly reply?: Reply
}

/** What an acknowledged event became. An event that no function wants has no results. */
export interface Settlement {
  readonly results: readonly RouteResult[]
}

/** Why a delivery is given back unsettled. */
export type ReleaseReason =
  /** The connector stops and the drain deadline has passed. */
  | 'drain'
  /** Ownership of the intake goes to somebody else. */
  | 'revoked'
  /** The session that gave it is gone. */
  | 'lost'
  /** Its function is no longer listed, and the delivery says `unlisted: 'release'`. */
  | 'unlisted'

/**
 * An event with the two ways out of the connector.
 *
 * The runtime calls exactly one of `ack` and `release`, exactly once, whatever happens in between.
 */
export interface Delivery {
  readonly event: MillraceEvent
  /** A partition, queue, stream or schedule: the unit that `pause`, `resume` and `revoke` name. */
  readonly intake: string
  /** These functions only: a retry copy, a replay, a schedule of one function. Absent: the topic map decides. Names that the map does not list are not called. */
  readonly targets?: readonly Target[]
  /**
   * With targets: they are new routes, such as those of a queue that one function has to itself, and each function's filter is asked as for
   * an event of the topic map. What is tried again was wanted before, and a schedule is no event that a filter knows.
   * @default false
   */
  readonly asksFilter?: boolean
  /**
   * What becomes of it when its one target is not listed, or no longer: `drop` settles it as dropped, counted (S5); `release` gives it back to
   * a source that keeps what belongs to a function which is gone. With several targets each of them is dropped by itself.
   * @default 'drop'
   */
  readonly unlisted?: 'drop' | 'release'
  /** Set when the event cannot be given to a function: it goes straight to the dead letters, no call is made. */
  readonly unreadable?: { readonly reason: 'decode' | 'too-large'; readonly detail: string }
  /** Every route is settled. May be asynchronous (a commit, a confirmed reply); a rejection is logged and the broker gives the event again. */
  ack(settlement: Settlement): void | Promise<void>
  /** The event must come again; the source gives it back or leaves it unacknowledged. Must not throw. */
  release(reason: ReleaseReason): void
}
