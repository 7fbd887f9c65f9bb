import type { DeadLetterReason, RetryClock } from '../../contract/outcome.ts'

/** What an attempt says about the health of what it reached. */
export type Feeds =
  /** A success of the function and of the gateway. */
  | 'success'
  /** Says nothing about the function; the gateway answered. */
  | 'nothing'
  /** A failure of the function; the gateway answered. */
  | 'function'
  /** A failure of the function, or of the gateway when three functions or more fail alike within a minute. */
  | 'function-or-shared'
  /** A failure of the gateway or the way to it. */
  | 'gateway'

/** A row's action, before the route's own limits (attempts, ages) are applied. */
export type Action =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly clock: RetryClock; readonly whenOver: DeadLetterReason }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason }

/** Names of the rows. S9 has three, since what was sent, and to whom, decides what a failure without a response means. */
export type SettleRowId = 'S1' | 'S2' | 'S3' | 'S4' | 'S5' | 'S6' | 'S7' | 'S8' | 'S9' | 'S9-identity' | 'S9-cut' | 'S10' | 'S11' | 'S12'

/** One row of the settle table. */
export interface SettleRow {
  readonly id: SettleRowId
  /** What was seen, for a person. */
  readonly seen: string
  /** Statuses by name; a listed status wins over a class. */
  readonly statuses?: readonly number[]
  /** First digit of the statuses that no row lists. */
  readonly statusClass?: 2 | 3 | 4 | 5
  readonly action: Action
  /** `while-gateway-up`: not counted while the gateway's breaker is open. */
  readonly counts: 'yes' | 'no' | 'while-gateway-up'
  readonly feeds: Feeds
  /** Opens the breaker at once instead of counting up to its threshold. */
  readonly trips?: true
  readonly retryAfter?: true
  /** For the documentation: what else holds. */
  readonly note: string
}

const retry = (clock: RetryClock, whenOver: DeadLetterReason): Action => ({ kind: 'retry', clock, whenOver })

/**
 * The settle table: what one attempt means. Normative source: delivery-and-operations 2.2 with the decisions of
 * architecture section 8; `docs/settle-table.md` is generated from it.
 */
export const settleTable: Readonly<Record<SettleRowId, SettleRow>> = {
  S1: {
    id: 'S1',
    seen: '2xx with a complete reply',
    statusClass: 2,
    action: { kind: 'done' },
    counts: 'yes',
    feeds: 'success',
    note: 'From `/async-function/` it means accepted by the queue, not done, and is reported as `accepted`.',
  },
  S2: {
    id: 'S2',
    seen: 'a batch reply that names failed items',
    action: retry('attempts', 'exhausted'),
    counts: 'yes',
    feeds: 'success',
    note: 'The items that are not named are done; only the named ones are tried again and counted.',
  },
  S3: {
    id: 'S3',
    seen: '400, 405, 406, 411, 413, 414, 415, 422 and every other 4xx',
    statuses: [400, 405, 406, 411, 413, 414, 415, 422],
    statusClass: 4,
    action: { kind: 'dead-letter', reason: 'rejected' },
    counts: 'yes',
    feeds: 'nothing',
    note: 'A status that the annotation `com.openfaas.retry.codes` lists, or a reply marked `X-OpenFaaS-Internal`, is S6 instead.',
  },
  S4: {
    id: 'S4',
    seen: '401, 403',
    statuses: [401, 403],
    action: retry('denied', 'denied'),
    counts: 'no',
    feeds: 'function-or-shared',
    note: 'Tried every 30 s rising to 5 min until the maximum age. The gateway’s own refusal feeds the gateway’s breaker (P1). Knative dead-letters at once; a rotated credential would then dead-letter the whole topic.',
  },
  S5: {
    id: 'S5',
    seen: '404',
    statuses: [404],
    action: retry('not-found', 'not-found'),
    counts: 'no',
    feeds: 'nothing',
    note: 'A redeployment: tried at most every 10 s for a grace period of 5 min. Dropped, and counted, when the map no longer lists the function.',
  },
  S6: {
    id: 'S6',
    seen: '408, 409, 425, 429, 503',
    statuses: [408, 409, 425, 429, 503],
    action: retry('attempts', 'exhausted'),
    counts: 'yes',
    feeds: 'function',
    retryAfter: true,
    note: '`Retry-After` (seconds or a date) replaces the computed wait, at least the minimum wait, at most 300 s.',
  },
  S7: {
    id: 'S7',
    seen: '500, 502, 504',
    statuses: [500, 502, 504],
    action: retry('attempts', 'exhausted'),
    counts: 'yes',
    feeds: 'function',
    note: 'May have run: the function sees the same event id and a higher attempt number.',
  },
  S8: {
    id: 'S8',
    seen: '3xx',
    statusClass: 3,
    action: retry('redirect', 'redirect'),
    counts: 'no',
    feeds: 'function-or-shared',
    trips: true,
    note: 'Never followed. A configuration error: the breaker opens, readiness is false, and a 3xx that one route alone shows is dead-lettered at the maximum age (P2).',
  },
  S9: {
    id: 'S9',
    seen: 'connect refused, DNS, TLS handshake',
    action: retry('attempts', 'exhausted'),
    counts: 'no',
    feeds: 'gateway',
    note: 'Nothing was sent and nothing is known of the function: no attempt is used up, and no event is given up, however long it lasts.',
  },
  'S9-identity': {
    id: 'S9-identity',
    seen: 'TLS: wrong name, unknown authority, expired certificate',
    action: retry('unavailable', 'exhausted'),
    counts: 'no',
    feeds: 'gateway',
    trips: true,
    note: 'Refused for good until somebody changes it: the gateway’s breaker opens, an alarm is raised, readiness is false (P2).',
  },
  'S9-cut': {
    id: 'S9-cut',
    seen: 'reset or time-out after the request was sent',
    action: retry('attempts', 'exhausted'),
    counts: 'while-gateway-up',
    feeds: 'function-or-shared',
    note: 'May have run. It is the function’s fault until three functions or more are cut alike within a minute, so that one hanging function cannot stop the others (T23).',
  },
  S10: {
    id: 'S10',
    seen: '410',
    statuses: [410],
    action: { kind: 'dead-letter', reason: 'gone' },
    counts: 'yes',
    feeds: 'nothing',
    note: 'The function wants no more: its further events go to the dead letters without a call until its declaration changes.',
  },
  S11: {
    id: 'S11',
    seen: 'a malformed response: broken framing, too many 1xx, a batch reply over the cap, a status outside 100-599',
    action: retry('attempts', 'exhausted'),
    counts: 'yes',
    feeds: 'function',
    note: 'As 502. A long reply whose content nobody needs is not malformed: reading stops at the cap and the status decides (P9).',
  },
  S12: {
    id: 'S12',
    seen: 'every other 5xx (501, 505, ...)',
    statusClass: 5,
    action: retry('attempts', 'exhausted'),
    counts: 'yes',
    feeds: 'function',
    note: 'As S7.',
  },
}
