import type { AttemptResult } from '../attempt.ts'
import { readBatchReply } from '../batch/batch-reply.ts'
import { classify, type FinishedAttempt } from '../settle/classify.ts'
import { settleTable, type SettleRow, type SettleRowId } from '../settle/table.ts'
import type { Attempts, Judged } from './attempts.ts'
import { BatchPart } from './batch-part.ts'
import type { Health } from './health.ts'
import type { Route } from './route.ts'

/** Rows after which a smaller request may do better: one event may be to blame. The others say nothing about the events. */
const divisible: ReadonlySet<SettleRowId> = new Set<SettleRowId>(['S3', 'S7', 'S11', 'S12', 'S9-cut'])

/** What the delivery core does for a batch. */
export interface BatchHooks {
  /** One route has its outcome. */
  conclude(route: Route, judged: Judged): void
  /** Not attempted after all: back to its lane, or ready at once. */
  putBack(route: Route): void
  wait(route: Route, afterMs: number): void
  readonly canBury: () => boolean
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Settles the routes that shared a request: all, those that the function did not name, or by halves when nothing is known. */
export class BatchRounds {
  readonly #attempts: Attempts
  readonly #health: Health
  readonly #hooks: BatchHooks

  constructor(attempts: Attempts, health: Health, hooks: BatchHooks) {
    this.#attempts = attempts
    this.#health = health
    this.#hooks = hooks
  }

  /** @param leader entered the breakers for all; it may have been released meanwhile. @param routes those still to be settled, in order */
  finish(leader: Route, routes: readonly Route[], raw: Exclude<AttemptResult, { kind: 'aborted' }>): void {
    const { result, failed } = this.#read(routes, raw)
    const row = classify(result, leader.queue.policy.retry.codes)
    const mayShareBlame = routes.length > 1 || leader.part !== undefined
    if (mayShareBlame && divisible.has(row.id)) return this.#fail(leader, routes, row, result)
    if (row.feeds === 'success') leader.part?.succeeded()
    this.#health.feed(leader, row, result, this.#hooks.now())
    if (row.id === 'S2') this.#settlePartly(routes, result, failed)
    else this.#settleAll(routes, row, result)
  }

  /** One event of the batch may be to blame. */
  #fail(leader: Route, routes: readonly Route[], row: SettleRow, result: FinishedAttempt): void {
    const [only] = routes
    const { blame, again } = BatchPart.failed(leader.part, routes.length)
    this.#health.feed(leader, row, result, this.#hooks.now(), blame === 'function' ? 'function' : 'event')
    if (only === undefined || routes.length > 1) return this.#divide(routes, row, result, again)
    only.part = again()
    if (blame === 'unknown' && row.action.kind === 'retry') this.#hooks.wait(only, this.#attempts.waitForOthers(only, row, result))
    else this.#conclude(only, row, result)
  }

  #read(routes: readonly Route[], raw: FinishedAttempt): { result: FinishedAttempt; failed: ReadonlySet<string> } {
    const none = { result: raw, failed: new Set<string>() }
    if (raw.kind !== 'response' || raw.reply.status < 200 || raw.reply.status > 299) return none
    const verdict = readBatchReply(raw.reply, new Set(routes.map((route) => route.entry.delivery.event.id)))
    if (verdict.kind === 'malformed') return { ...none, result: { ...raw, malformed: true } }
    return verdict.kind === 'failed' ? { result: { ...raw, partial: true }, failed: verdict.ids } : none
  }

  /** The items that were not named are done; but nothing of a lane may pass the first of it that failed. */
  #settlePartly(routes: readonly Route[], result: FinishedAttempt, failed: ReadonlySet<string>): void {
    const stuck = new Set<unknown>()
    for (const route of routes) {
      if (route.lane !== undefined && stuck.has(route.lane)) {
        this.#hooks.putBack(route)
        continue
      }
      const isFailed = failed.has(route.entry.delivery.event.id)
      if (isFailed && route.lane !== undefined) stuck.add(route.lane)
      this.#conclude(route, isFailed ? settleTable.S2 : settleTable.S1, result)
    }
  }

  #settleAll(routes: readonly Route[], row: SettleRow, result: FinishedAttempt): void {
    const stuck = new Set<unknown>()
    for (const route of routes) {
      if (route.lane !== undefined && stuck.has(route.lane)) this.#hooks.putBack(route)
      else {
        // One that is behind in its lane was not the first to fail: it goes back uncounted.
        if (row.action.kind === 'retry' && route.lane !== undefined) stuck.add(route.lane)
        this.#conclude(route, row, result)
      }
    }
  }

  /** Halves, each a request of its own next time; no attempt is used up until an event stands alone. */
  #divide(routes: readonly Route[], row: SettleRow, result: FinishedAttempt, part: () => BatchPart): void {
    const middle = Math.ceil(routes.length / 2)
    const afterMs = this.#attempts.waitForHalves(routes, row, result)
    for (const half of [routes.slice(0, middle), routes.slice(middle)]) {
      const lanes = new Set<unknown>()
      const shared = part()
      for (const route of half) {
        route.part = shared
        if (route.lane !== undefined && (lanes.has(route.lane) || route.lane.head !== route)) this.#hooks.putBack(route)
        else this.#hooks.wait(route, afterMs)
        lanes.add(route.lane)
      }
    }
  }

  #conclude(route: Route, row: SettleRow, result: FinishedAttempt): void {
    if (row.action.kind === 'done') route.part?.done()
    this.#hooks.conclude(route, this.#attempts.decide(route, row, result, this.#hooks.canBury()))
  }
}
