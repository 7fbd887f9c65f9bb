import type { MillraceEvent } from '../contract/event.ts'
import type { Reply } from '../contract/delivery.ts'

/** What went wrong when there was no usable response. */
export type FailureCause =
  /** Refused, unreachable, or the connect time-out: no request was sent. */
  | 'connect'
  | 'dns'
  /** Wrong name, unknown authority, expired: the peer is not who it should be. */
  | 'tls-identity'
  | 'tls'
  /** Closed or reset, before or in the middle of the response. */
  | 'reset'
  /** Headers or body took longer than allowed: the function may have run. */
  | 'timeout'
  /** Bad framing, too many 1xx, headers over the cap (S11). */
  | 'malformed'

/** One HTTP request to make: one attempt of one route. */
export interface AttemptRequest {
  readonly event: MillraceEvent
  /** `NAME` or `NAME.NAMESPACE`, checked by the allow-list. */
  readonly function: string
  /** From 1. */
  readonly attempt: number
  readonly async: boolean
  /** The whole attempt, from connect to the last byte of the body. */
  readonly timeoutMs: number
  /** The function's `content-type` annotation: replaces the event's own. */
  readonly contentType?: string
  /** Keep the reply's body up to the cap. */
  readonly wantReply: boolean
}

/** What one attempt came to, before the settle table. */
export type AttemptResult =
  | {
      readonly kind: 'response'
      readonly reply: Reply
      readonly durationMs: number
      /** The reply could not be used by a route that needs it (a batch): S11. */
      readonly malformed?: boolean
      /** Some items of a batch failed: S2. */
      readonly partial?: boolean
    }
  | { readonly kind: 'failure'; readonly cause: FailureCause; readonly detail: string; readonly durationMs: number }
  /** Stopped by us: no outcome, the route is released. */
  | { readonly kind: 'aborted' }

/** The one way to call a function. `done` is called exactly once, never before `invoke` returns. */
export interface Invoker {
  invoke(request: AttemptRequest, done: (result: AttemptResult) => void): { abort(): void }
}
