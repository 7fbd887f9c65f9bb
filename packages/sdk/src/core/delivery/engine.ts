import type { Delivery, ReleaseReason, RouteResult } from '../../contract/delivery.ts'
import type { FunctionsChange } from '../../contract/functions-view.ts'
import type { Settled } from '../../contract/outcome.ts'
import type { AttemptResult } from '../attempt.ts'
import { Attempts, type Judged } from './attempts.ts'
import { BatchRounds } from './batch-rounds.ts'
import { BackPressure } from './back-pressure.ts'
import type { EngineOptions, RoutingTable } from './engine-options.ts'
import { HandOvers } from './hand-overs.ts'
import { Health } from './health.ts'
import type { Intake } from './intake.ts'
import { Entry, Ledger } from './ledger.ts'
import { Revocation } from './revocation.ts'
import type { Route } from './route.ts'
import { Router } from './router.ts'
import type { DeliveryStats } from './stats.ts'
import { Scheduler } from './scheduler.ts'
import { Waker } from './waker.ts'

/**
 * The delivery core: takes deliveries in, makes routes of them by the topic map, attempts each route in its lane's
 * order and within the limits, and acknowledges an event when all of its routes have settled.
 *
 * Everything from outside (time, randomness, requests, letters) is passed in.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #ledger = new Ledger()
  readonly #scheduler: Scheduler
  readonly #health: Health
  readonly #router: Router
  readonly #attempts: Attempts
  readonly #batches: BatchRounds
  readonly #handOvers: HandOvers
  readonly #pressure: BackPressure
  readonly #revocation: Revocation
  readonly #waker: Waker
  /** Events that no function wants, under `unmatched: hold`. */
  readonly #unmatched = new Set<Entry>()
  #pumping = false
  #stopped = false

  constructor(options: EngineOptions, map: RoutingTable) {
    this.#options = options
    this.#scheduler = new Scheduler(options.limits.maxInFlight)
    this.#health = new Health(options)
    this.#router = new Router(map, this.#health, () => options.clock.monotonic())
    this.#attempts = new Attempts(options, this.#health)
    this.#handOvers = new HandOvers(options, {
      settle: (route, outcome, more) => this.#settle(route, outcome, more),
      wait: (route, afterMs) => this.#wait(route, afterMs),
      acknowledge: (entry) => this.#acknowledge(entry),
      done: (entry) => {
        this.#releaseIfFrozen(entry)
        this.#pump()
      },
    })
    this.#batches = new BatchRounds(this.#attempts, this.#health, {
      conclude: (route, judged) => this.#conclude(route, judged),
      putBack: (route) => this.#putBack(route),
      wait: (route, afterMs) => this.#wait(route, afterMs),
      canBury: () => this.#handOvers.canBury,
      now: () => options.clock.monotonic(),
    })
    this.#pressure = new BackPressure(options, this.#ledger)
    this.#revocation = new Revocation(options.clock)
    this.#waker = new Waker(options.clock, () => this.#pump())
  }

  /**
   * Takes one delivery in. Never throws and never waits.
   *
   * @param kind whose event it is: a session's; the runtime's own (a spool), which outlives a session; or a caller's,
   *   who waits for the results
   */
  accept(delivery: Delivery, kind: 'session' | 'owned' | 'answer' = 'session'): void {
    const { clock, limits, observer } = this.#options
    const { event } = delivery
    const intake = this.#pressure.intake(delivery.intake, kind !== 'session')
    const entry = new Entry(delivery, intake, intake.enter(), kind === 'answer', clock.monotonic())
    this.#ledger.enter(entry)
    observer.received?.(event, intake.name)
    if (this.#stopped || intake.frozen !== undefined) {
      this.#release(entry, this.#stopped ? 'drain' : 'revoked')
      return
    }
    this.#pressure.entered(intake)
    if (delivery.unreadable !== undefined) this.#handOvers.buryEvent(entry, delivery.unreadable.reason, delivery.unreadable.detail)
    else if (event.data.byteLength > limits.maxEventBytes)
      this.#handOvers.buryEvent(entry, 'too-large', `${event.data.byteLength} bytes; the limit is ${limits.maxEventBytes}`)
    else this.#route(entry)
    this.#pump()
  }

  /** True when the bounds of this intake, or of all, are reached. */
  full(intake: string): boolean {
    return this.#pressure.full(intake)
  }

  /** A new session starts: says again what is paused. */
  restatePauses(): void {
    this.#pressure.restate()
  }

  /** A new snapshot of the topic map. Routes of functions that are gone are dropped, counted (S5, P6). */
  setMap(map: RoutingTable, change: FunctionsChange): void {
    this.#router.setMap(map)
    const touched = new Set([...change.removed.map((f) => f.function), ...change.changed.map((c) => c.after.function)])
    if (touched.size > 0) this.#reconsider(touched)
    for (const queue of this.#router.queues.values()) {
      this.#router.forgetIfGone(queue)
      this.#scheduler.wake(queue)
    }
    for (const entry of Array.from(this.#unmatched)) {
      if (!this.#router.route(entry)) continue
      this.#unmatched.delete(entry)
      this.#enqueue(entry)
    }
    this.#pump()
  }

  /** The gateway has just answered a list: an open breaker of the gateway may send its probe now. */
  hintGateway(): void {
    this.#health.gateway.hint(this.#options.clock.monotonic())
    this.#pump()
  }

  /** Freezes intakes, waits for what is in flight, releases the rest. @see SourceContext.revoke */
  async revoke(which: (intake: Intake) => boolean, drainMs: number, reason: ReleaseReason): Promise<void> {
    const intakes = new Set([...this.#pressure.intakes.values()].filter(which))
    for (const intake of intakes) intake.frozen = reason
    this.#releaseWhere((entry) => intakes.has(entry.intake) && entry.busy === 0, reason)
    await this.#revocation.settled([...intakes], drainMs)
    this.#releaseWhere((entry) => intakes.has(entry.intake), reason)
    for (const intake of intakes) this.#pressure.forget(intake)
    this.#pump()
  }

  /** From now on what comes in is released. */
  stop(): void {
    this.#stopped = true
  }

  /** Releases everything at once and stops what is in flight. */
  kill(): void {
    this.#stopped = true
    const running = [...this.#ledger.entries()].flatMap((entry) => entry.routes).filter((route) => route.state === 'running')
    this.#releaseWhere(() => true, 'drain')
    for (const route of running) route.call?.abort()
    this.#waker.cancel()
  }

  stats(): DeliveryStats {
    const { oldestAt, bytes } = this.#ledger
    const paused = [...this.#pressure.intakes.values()].filter((intake) => intake.paused !== undefined).length
    return {
      ...this.#ledger.conservation(),
      inFlightAttempts: this.#scheduler.inFlight,
      queuedBytes: bytes,
      oldestUnackedMs: oldestAt === undefined ? 0 : this.#options.clock.monotonic() - oldestAt,
      pausedIntakes: paused + (this.#pressure.allPaused ? 1 : 0),
    }
  }

  #route(entry: Entry): void {
    if (this.#router.route(entry)) this.#enqueue(entry)
    else this.#onUnmatched(entry)
  }

  #enqueue(entry: Entry): void {
    for (const result of entry.results) this.#options.observer.routeSettled?.(entry.delivery.event, result)
    for (const route of entry.routes) {
      if (route.lane === undefined || route.lane.push(route)) this.#ready(route)
      // Behind the head of its lane it may still be what fills a batch.
      else if (route.queue.policy.batch !== undefined) this.#scheduler.wake(route.queue)
    }
    if (entry.pending === 0) this.#acknowledge(entry)
  }

  #onUnmatched(entry: Entry): void {
    const { observer, unmatched } = this.#options
    observer.unmatched?.(entry.delivery.event, unmatched)
    if (unmatched === 'ack') this.#acknowledge(entry)
    else if (unmatched === 'hold') this.#unmatched.add(entry)
    else this.#handOvers.buryEvent(entry, 'unmatched', `no function wants the topic ${entry.delivery.event.topic.slice(0, 256)}`)
  }

  #ready(route: Route): void {
    route.queue.pushReady(route)
    this.#scheduler.wake(route.queue)
  }

  /** Starts whatever can be started, then sets the timer for what waits. */
  #pump(): void {
    // An acknowledgement may hand over the next event in the same breath; one loop serves both.
    if (this.#pumping) return
    this.#pumping = true
    try {
      this.#startAll(this.#options.clock.monotonic())
    } finally {
      this.#pumping = false
    }
    const { gateway } = this.#health
    if (gateway.state === 'open') this.#waker.at(gateway.openUntil)
    const dueAt = this.#scheduler.waiting.nextAt
    if (dueAt !== undefined) this.#waker.at(dueAt)
  }

  #startAll(now: number): void {
    this.#wakeDue(now)
    while (this.#health.gateway.admits(now)) {
      const route = this.#scheduler.next(now)
      if (route === undefined) break
      this.#begin(route)
    }
  }

  #wakeDue(now: number): void {
    for (let due = this.#scheduler.waiting.popDue(now); due !== undefined; due = this.#scheduler.waiting.popDue(now)) {
      if (due.kind === 'route') this.#ready(due)
      else this.#scheduler.wake(due)
    }
  }

  #begin(route: Route): void {
    const { entry, queue } = route
    if (entry.intake.frozen !== undefined) {
      // It will be released with its intake; until then it must not run.
      route.become('queued')
      return
    }
    if (queue.gone) {
      this.#handOvers.bury(route, 'gone', 'the function answered 410 before and has not been deployed again')
      return
    }
    queue.inFlight += 1
    this.#scheduler.inFlight += 1
    const { batch } = queue.policy
    if (batch === undefined) {
      entry.busy += 1
      this.#attempts.start(route, (result) => this.#finish(route, result))
      return
    }
    const routes = queue.takeBatch(route, batch)
    for (const each of routes) each.entry.busy += 1
    this.#attempts.startBatch(routes, batch, (result) => this.#finishBatch(route, routes, result))
  }

  #finishBatch(leader: Route, routes: readonly Route[], result: AttemptResult): void {
    const { queue } = leader
    queue.inFlight -= 1
    this.#scheduler.inFlight -= 1
    this.#scheduler.wake(queue)
    for (const route of routes) {
      route.call = undefined
      route.entry.busy -= 1
      if (route.entry.state !== 'open') this.#options.observer.fenced?.(route.entry.delivery.event, queue.name)
    }
    const open = routes.filter((route) => route.entry.state === 'open')
    if (result.kind === 'aborted' || open.length === 0) {
      this.#health.ignore(leader)
      for (const route of open) this.#putBack(route)
      this.#router.forgetIfGone(queue)
    } else {
      this.#batches.finish(leader, open, result)
    }
    for (const { entry } of open) this.#releaseIfFrozen(entry)
    this.#pump()
  }

  /** Not attempted after all: behind the head of its lane, or ready at once. */
  #putBack(route: Route): void {
    if (route.state === 'settled') return
    route.become('queued')
    if (route.lane === undefined || route.lane.head === route) this.#ready(route)
  }

  #finish(route: Route, result: AttemptResult): void {
    const { entry, queue } = route
    route.call = undefined
    entry.busy -= 1
    queue.inFlight -= 1
    this.#scheduler.inFlight -= 1
    this.#scheduler.wake(queue)
    if (entry.state !== 'open') {
      this.#health.ignore(route)
      this.#options.observer.fenced?.(entry.delivery.event, queue.name)
      this.#router.forgetIfGone(queue)
    } else if (result.kind === 'aborted') {
      this.#health.ignore(route)
      this.#ready(route)
    } else {
      this.#conclude(route, this.#attempts.judge(route, result, this.#handOvers.canBury))
    }
    this.#releaseIfFrozen(entry)
    this.#pump()
  }

  #conclude(route: Route, { outcome, result, row }: Judged): void {
    const { queue } = route
    // Whoever heard of the result may have had it released since, and what is settled must not wait or settle again.
    if (route.state === 'settled') return
    if (outcome.kind === 'done') {
      const reply = result.kind === 'response' && this.#options.wantReply() ? { reply: result.reply } : {}
      this.#settle(route, queue.policy.async ? 'accepted' : 'done', reply)
    } else if (outcome.kind === 'drop') {
      this.#settle(route, 'dropped')
    } else if (outcome.kind === 'dead-letter') {
      if (outcome.reason === 'gone') queue.gone = true
      const status = result.kind === 'response' ? `status ${result.reply.status}` : `${result.cause}: ${result.detail}`
      this.#handOvers.bury(route, outcome.reason, `${row.seen} (${row.id}); last: ${status}`)
    } else {
      const { defer } = this.#options.source
      const defers = defer !== undefined && outcome.kind === 'retry' && route.lane === undefined
      if (defers && outcome.afterMs >= this.#options.times.deferFromMs) this.#handOvers.defer(route, outcome.afterMs)
      else this.#wait(route, outcome.afterMs)
    }
  }

  #wait(route: Route, afterMs: number): void {
    if (route.state === 'settled') return
    route.become('waiting')
    route.dueAt = this.#options.clock.monotonic() + afterMs
    this.#scheduler.waiting.push(route)
  }

  #settle(route: Route, outcome: Settled, more: Pick<RouteResult, 'reason' | 'reply'> = {}): void {
    const { entry } = route
    const status = route.lastStatus === undefined ? {} : { status: route.lastStatus }
    const result: RouteResult = { target: route.target(), outcome, ...status, ...more }
    entry.results.push(result)
    entry.pending -= 1
    this.#options.observer.routeSettled?.(entry.delivery.event, result)
    const next = this.#take(route)
    if (next !== undefined && next.state === 'queued') this.#ready(next)
    if (entry.pending === 0) this.#acknowledge(entry)
  }

  /** Takes a route out of its queue and its lane; gives the lane's next head. */
  #take(route: Route): Route | undefined {
    const { queue, lane } = route
    this.#scheduler.waiting.remove(route)
    if (route.state === 'ready') queue.removeReady(route)
    route.become('settled')
    queue.routes -= 1
    this.#router.forgetIfGone(queue)
    if (lane === undefined || lane.head !== route) return undefined
    const next = lane.advance()
    if (next === undefined) queue.forgetLane(lane)
    return next
  }

  #acknowledge(entry: Entry): void {
    const { clock, observer } = this.#options
    const { event } = entry.delivery
    this.#ledger.acknowledge(entry, (settlement, failure) => {
      if (failure === undefined) observer.acknowledged?.(event, settlement, clock.monotonic() - entry.receivedAt)
      else observer.ackFailed?.(event, failure)
      this.#onLeft(entry)
    })
  }

  #release(entry: Entry, reason: ReleaseReason): void {
    for (const route of entry.routes) if (route.state !== 'settled') this.#take(route)
    this.#unmatched.delete(entry)
    if (!this.#ledger.release(entry, reason)) return
    this.#options.observer.released?.(entry.delivery.event, reason)
    this.#onLeft(entry)
  }

  /** A drain waits for what runs, not for what would be tried again. */
  #releaseIfFrozen(entry: Entry): void {
    const reason = entry.intake.frozen
    if (reason !== undefined && entry.busy === 0 && entry.state === 'open') this.#release(entry, reason)
  }

  #releaseWhere(which: (entry: Entry) => boolean, reason: ReleaseReason): void {
    // A copy: a release may let others leave in the same breath.
    for (const entry of Array.from(this.#ledger.entries())) if (entry.state === 'open' && which(entry)) this.#release(entry, reason)
  }

  #onLeft(entry: Entry): void {
    this.#pressure.left(entry.intake)
    this.#revocation.left()
  }

  /** Functions were removed or deployed again: drop the routes of the former, try the latter's slow waits now. */
  #reconsider(touched: ReadonlySet<string>): void {
    const routes = [...this.#ledger.entries()].flatMap((entry) => entry.routes).filter((route) => touched.has(route.queue.name))
    for (const route of routes) {
      const idle = route.state === 'queued' || route.state === 'ready' || route.state === 'waiting'
      if (!idle || route.entry.state !== 'open') continue
      if (!route.queue.listed) this.#settle(route, 'dropped')
      else if (route.state === 'waiting' && route.waitClock !== 'attempts') {
        this.#scheduler.waiting.remove(route)
        this.#ready(route)
      }
    }
  }
}
