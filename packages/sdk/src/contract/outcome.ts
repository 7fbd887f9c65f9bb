/** Why a route ended in the dead letters. Sent as `millrace-reason`. */
export type DeadLetterReason =
  /** The function refused the event for good (S3). */
  | 'rejected'
  /** All attempts failed while the function served others, or `poison-after` has passed. */
  | 'exhausted'
  /** Older than the maximum age, counted from the first attempt. */
  | 'max-age'
  /** 404 for longer than the grace period (S5). */
  | 'not-found'
  /** 401 or 403 until the maximum age (S4). */
  | 'denied'
  /** A redirect that this route alone shows until the maximum age (S8). */
  | 'redirect'
  /** The function answered 410 (S10). */
  | 'gone'
  /** The source could not decode the event; no call was made. */
  | 'decode'
  /** The event is larger than the limit; no call was made. */
  | 'too-large'
  /** No function wants the topic and the policy `unmatched` says `dead-letter`. */
  | 'unmatched'

/** Which clock paces a retry: the counted attempts, or one of the slow ones that count nothing. */
export type RetryClock = 'attempts' | 'not-found' | 'denied' | 'redirect' | 'unavailable'

/** What the settle table makes of one attempt. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly afterMs: number; readonly clock: RetryClock; readonly counts: boolean }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason }
  /** The function is no longer listed: the written policy of S5 says drop, counted. */
  | { readonly kind: 'drop'; readonly reason: 'unlisted' }
  /** Nothing may settle it: the lane waits, an alarm is raised, and it is tried again slowly. */
  | { readonly kind: 'hold'; readonly afterMs: number; readonly reason: DeadLetterReason }

/** How a route ended. Each of these lets the event be acknowledged. */
export type Settled =
  /** 2xx from the function. */
  | 'done'
  /** 202 from `/async-function/`: handed to the gateway's queue, not known to have run. */
  | 'accepted'
  /** The function's own filter does not want this event. */
  | 'filtered'
  /** Durably in the dead letters. */
  | 'dead-lettered'
  /** A written policy says drop (`dead-letter: drop`, or a function that is gone from the map). */
  | 'dropped'
  /** Only for `invoke()`: refused, or all attempts failed; the caller is told and has the event. */
  | 'failed'
  /** The source took the route over for a delayed retry, durably. */
  | 'deferred'
