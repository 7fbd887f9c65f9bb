import type { AttemptRecord } from '../../contract/dead-letter.ts'
import type { Outcome, RetryClock } from '../../contract/outcome.ts'
import type { AttemptRequest, AttemptResult } from '../attempt.ts'
import { batchEvent } from '../batch/batch-event.ts'
import type { BatchPolicy } from '../function-policy.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import { backoffMs } from '../settle/backoff.ts'
import { classify, type FinishedAttempt } from '../settle/classify.ts'
import { type RouteFacts, settle } from '../settle/settle.ts'
import type { SettleRow } from '../settle/table.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Health } from './health.ts'
import type { Route } from './route.ts'

/** What became of an attempt: the row and the outcome, with the result it was made of. */
export interface Judged {
  readonly result: FinishedAttempt
  readonly row: SettleRow
  readonly outcome: Outcome
}

const done: Outcome = { kind: 'done' }

/** Starts attempts and judges what they came to, by the settle table and the route's own limits. */
export class Attempts {
  readonly #options: EngineOptions
  readonly #health: Health

  constructor(options: EngineOptions, health: Health) {
    this.#options = options
    this.#health = health
  }

  /** Sends the request. `done` is called once, later. */
  start(route: Route, done: (result: AttemptResult) => void): void {
    this.#enter(route)
    this.#mark(route)
    route.call = this.#send(route, route.entry.delivery.event, this.#options.wantReply(), done)
  }

  /** Sends one request for several routes of a function; the first one stands for all of them towards the breakers. */
  startBatch(routes: readonly Route[], batch: BatchPolicy, done: (result: AttemptResult) => void): void {
    const [leader] = routes
    if (leader === undefined) return
    this.#enter(leader)
    for (const route of routes) this.#mark(route)
    const event = batchEvent(
      routes.map((route) => ({ event: route.entry.delivery.event, attempt: route.attempts + 1 })),
      batch.format,
    )
    const call = this.#send(leader, event, true, done)
    for (const route of routes) route.call = call
  }

  #enter(route: Route): void {
    route.probe = route.queue.breaker.enter()
    route.gatewayProbe = this.#health.gateway.enter()
  }

  #mark(route: Route): void {
    route.become('running')
    route.lastAttemptAt = this.#options.clock.now()
    route.firstAttemptAt ??= route.lastAttemptAt
    this.#options.observer.attemptStarted?.(route.entry.delivery.event, route.queue.name, route.attempts + 1)
  }

  #send(route: Route, event: MillraceEvent, wantReply: boolean, done: (result: AttemptResult) => void): { abort(): void } {
    const { name, policy } = route.queue
    const contentType = policy.batch === undefined ? policy.contentType : undefined
    const request: AttemptRequest = {
      event,
      function: name,
      attempt: route.attempts + 1,
      async: policy.async,
      timeoutMs: policy.timeoutMs,
      wantReply,
      ...(contentType !== undefined && { contentType }),
    }
    return this.#options.invoker.invoke(request, done)
  }

  /** Judges, feeds the breakers, keeps the route's counts and reports. */
  judge(route: Route, result: FinishedAttempt, canBury: boolean): Judged {
    const row = classify(result, route.queue.policy.retry.codes)
    const judged = this.decide(route, row, result, canBury)
    this.#health.feed(route, row, result, this.#options.clock.monotonic())
    return judged
  }

  /** Judges one route by a row, keeps its counts and reports; the breakers are fed by the caller. */
  decide(route: Route, row: SettleRow, result: FinishedAttempt, canBury: boolean): Judged {
    const { clock, observer, random, times } = this.#options
    const { policy } = route.queue
    const now = clock.now()
    this.#noteNotFound(route, row, now)
    let outcome = row.action.kind === 'done' ? done : settle(row, result, this.#facts(route, row), policy.retry, now, random)
    const holds = policy.deadLetter === 'hold' || (policy.deadLetter === 'sink' && !canBury)
    if (outcome.kind === 'dead-letter' && holds && !route.entry.answers) {
      outcome = { kind: 'hold', afterMs: times.holdMs, reason: outcome.reason }
    }
    const attempt = route.attempts + 1
    this.#count(route, outcome, result)
    observer.attemptFinished?.({
      event: route.entry.delivery.event,
      function: route.queue.name,
      attempt,
      async: policy.async,
      result,
      row: row.id,
      outcome,
      ...('afterMs' in outcome && { waitMs: outcome.afterMs }),
    })
    return { result, row, outcome }
  }

  /** The wait before the halves of a batch are tried: short, and no attempt of any event is used up. */
  waitForHalves(routes: readonly Route[], row: SettleRow, result: FinishedAttempt): number {
    const afterMs = this.#waitFree(routes, row, result, 'attempts', 1)
    // It is the same at each halving, and those of an event that is alone begin with the first.
    for (const route of routes) route.waits = 0
    return afterMs
  }

  /** The wait until others have told of the function: by a slow clock, since their requests may take long, and no attempt is used up. */
  waitForOthers(route: Route, row: SettleRow, result: FinishedAttempt): number {
    const nth = route.waitClock === 'unavailable' ? route.waits + 1 : 1
    return this.#waitFree([route], row, result, 'unavailable', nth)
  }

  #waitFree(routes: readonly Route[], row: SettleRow, result: FinishedAttempt, clock: RetryClock, nth: number): number {
    const { observer, random } = this.#options
    const [leader] = routes
    const afterMs = leader === undefined ? 0 : backoffMs(clock, leader.queue.policy.retry, nth, random)
    const outcome: Outcome = { kind: 'retry', afterMs, clock, counts: false }
    for (const route of routes) {
      const { queue, entry, attempts } = route
      this.#count(route, outcome, result)
      observer.attemptFinished?.({
        event: entry.delivery.event,
        function: queue.name,
        attempt: attempts + 1,
        async: queue.policy.async,
        result,
        row: row.id,
        outcome,
        waitMs: afterMs,
      })
    }
    return afterMs
  }

  #facts(route: Route, row: SettleRow): RouteFacts {
    const { queue } = route
    const clock = row.action.kind === 'retry' ? row.action.clock : undefined
    const { failingSince, state } = queue.breaker
    const sinceMs = failingSince === undefined ? 0 : this.#options.clock.monotonic() - failingSince
    const poisoned = sinceMs >= queue.policy.retry.poisonAfterMs
    return {
      counted: route.attempts,
      waits: route.waitClock === clock ? route.waits : 0,
      firstAttemptAt: route.firstAttemptAt ?? this.#options.clock.now(),
      ...(route.notFoundSince !== undefined && { notFoundSince: route.notFoundSince }),
      listed: queue.listed,
      gatewayDown: this.#health.gateway.state !== 'closed',
      freeProbe: (route.probe || route.gatewayProbe) && !poisoned,
      mayExhaust: state === 'closed' || poisoned,
    }
  }

  #noteNotFound(route: Route, row: SettleRow, now: number): void {
    if (row.action.kind === 'retry' && row.action.clock === 'not-found') route.notFoundSince ??= now
    else route.notFoundSince = undefined
  }

  #count(route: Route, outcome: Outcome, result: FinishedAttempt): void {
    route.lastStatus = result.kind === 'response' ? result.reply.status : undefined
    if (outcome.kind === 'done') {
      route.attempts += 1
      return
    }
    if (outcome.kind !== 'retry' || outcome.counts) route.attempts += 1
    const waitClock = outcome.kind === 'retry' ? outcome.clock : undefined
    route.waits = waitClock !== undefined && waitClock === route.waitClock ? route.waits + 1 : 1
    route.waitClock = waitClock
    route.remember(attemptRecord(route, result))
  }
}

const attemptRecord = (route: Route, result: FinishedAttempt): AttemptRecord => ({
  at: route.lastAttemptAt ?? 0,
  durationMs: Math.round(result.durationMs),
  ...(result.kind === 'response' ? { status: result.reply.status } : { error: `${result.cause}: ${result.detail}`.slice(0, 1024) }),
})
