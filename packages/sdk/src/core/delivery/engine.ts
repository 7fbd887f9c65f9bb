import type { Delivery, ReleaseReason } from '../../contract/delivery.ts'
import type { FunctionsChange } from '../../contract/functions-view.ts'
import { BackPressure } from './back-pressure.ts'
import { Departures } from './departures.ts'
import { Dispatcher } from './dispatcher.ts'
import type { EngineOptions, RoutingTable } from './engine-options.ts'
import { HandOvers } from './hand-overs.ts'
import { Health } from './health.ts'
import type { Intake } from './intake.ts'
import { Entry, Ledger } from './ledger.ts'
import { Revocation } from './revocation.ts'
import { Router } from './router.ts'
import { Scheduler } from './scheduler.ts'
import type { DeliveryStats } from './stats.ts'

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
  readonly #handOvers: HandOvers
  readonly #pressure: BackPressure
  readonly #revocation: Revocation
  readonly #departures: Departures
  readonly #dispatcher: Dispatcher
  /** Events that no function wants, under `unmatched: hold` and where there is no place for dead letters: a later map may. */
  readonly #unmatched = new Set<Entry>()
  #stopped = false

  constructor(options: EngineOptions, map: RoutingTable) {
    this.#options = options
    this.#scheduler = new Scheduler(options.limits.maxInFlight)
    this.#health = new Health(options)
    this.#router = new Router(map, this.#health, () => options.clock.monotonic())
    this.#pressure = new BackPressure(options, this.#ledger)
    this.#revocation = new Revocation(options.clock)
    const parts = { ledger: this.#ledger, scheduler: this.#scheduler, router: this.#router, health: this.#health }
    this.#departures = new Departures(
      options,
      { ...parts, pressure: this.#pressure, revocation: this.#revocation },
      {
        ready: (route) => this.#dispatcher.ready(route),
        released: (entry) => this.#unmatched.delete(entry),
      },
    )
    this.#handOvers = new HandOvers(options, {
      settle: (route, outcome, more) => this.#departures.settle(route, outcome, more),
      wait: (route, afterMs) => this.#dispatcher.wait(route, afterMs),
      acknowledge: (entry) => this.#departures.acknowledge(entry),
      done: (entry) => {
        this.#departures.releaseIfFrozen(entry)
        this.#dispatcher.pump()
      },
    })
    this.#dispatcher = new Dispatcher(options, { ...parts, departures: this.#departures, handOvers: this.#handOvers })
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
      this.#departures.release(entry, this.#stopped ? 'drain' : 'revoked')
      return
    }
    this.#pressure.entered(intake)
    if (delivery.unreadable !== undefined) this.#handOvers.buryEvent(entry, delivery.unreadable.reason, delivery.unreadable.detail)
    else if (event.data.byteLength > limits.maxEventBytes)
      this.#handOvers.buryEvent(entry, 'too-large', `${event.data.byteLength} bytes; the limit is ${limits.maxEventBytes}`)
    else this.#route(entry)
    this.#dispatcher.pump()
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
    this.#dispatcher.pump()
  }

  /** The gateway has just answered a list: an open breaker of the gateway may send its probe now. */
  hintGateway(): void {
    const { gateway } = this.#health
    gateway.hint(this.#options.clock.monotonic())
    this.#dispatcher.pump()
    // Nothing is left that could probe it, and where readiness decides about traffic nothing would come: the list has to do.
    if (this.#ledger.open === 0 && gateway.state !== 'closed') gateway.success(false)
  }

  /** Freezes intakes, waits for what is in flight, releases the rest. @see SourceContext.revoke */
  async revoke(which: (intake: Intake) => boolean, drainMs: number, reason: ReleaseReason): Promise<void> {
    const intakes = new Set([...this.#pressure.intakes.values()].filter(which))
    for (const intake of intakes) intake.frozen = reason
    this.#departures.releaseWhere((entry) => intakes.has(entry.intake) && entry.busy === 0, reason)
    await this.#revocation.settled([...intakes], drainMs)
    this.#departures.releaseWhere((entry) => intakes.has(entry.intake), reason)
    for (const intake of intakes) this.#pressure.forget(intake)
    this.#dispatcher.pump()
  }

  /** From now on what comes in is released. */
  stop(): void {
    this.#stopped = true
  }

  /** Releases everything at once and stops what is in flight. */
  kill(): void {
    this.#stopped = true
    const running = [...this.#ledger.entries()].flatMap((entry) => entry.routes).filter((route) => route.state === 'running')
    this.#departures.releaseWhere(() => true, 'drain')
    for (const route of running) route.call?.abort()
    this.#dispatcher.cancel()
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
    const { targets, unlisted } = entry.delivery
    const [only] = targets ?? []
    if (unlisted === 'release' && only !== undefined && targets?.length === 1 && !this.#router.lists(only)) {
      this.#departures.release(entry, 'unlisted')
    } else if (this.#router.route(entry)) this.#enqueue(entry)
    else this.#onUnmatched(entry)
  }

  #enqueue(entry: Entry): void {
    for (const result of entry.results) this.#options.observer.routeSettled?.(entry.delivery.event, result)
    // Whoever heard of it may have had everything released.
    if (entry.state !== 'open') return
    for (const route of entry.routes) {
      if (route.joinLane()) this.#dispatcher.ready(route)
      // Behind the head of its lane it may still be what fills a batch.
      else if (route.queue.policy.batch !== undefined) this.#scheduler.wake(route.queue)
    }
    if (entry.pending === 0) this.#departures.acknowledge(entry)
  }

  #onUnmatched(entry: Entry): void {
    const { observer } = this.#options
    // A caller is told at once: nobody would be there any more when a later map wants it.
    const unmatched = entry.answers ? 'ack' : this.#options.unmatched
    observer.unmatched?.(entry.delivery.event, unmatched)
    if (unmatched === 'ack') this.#departures.acknowledge(entry)
    else if (unmatched === 'hold' || !this.#buryUnmatched(entry)) this.#unmatched.add(entry)
  }

  #buryUnmatched(entry: Entry): boolean {
    return this.#handOvers.buryEvent(entry, 'unmatched', `no function wants the topic ${entry.delivery.event.topic.slice(0, 256)}`)
  }

  /** Functions were removed or deployed again: drop the routes of the former, try the latter's slow waits now. */
  #reconsider(touched: ReadonlySet<string>): void {
    const routes = [...this.#ledger.entries()].flatMap((entry) => entry.routes).filter((route) => touched.has(route.queue.name))
    for (const route of routes) {
      const idle = route.state === 'queued' || route.state === 'ready' || route.state === 'waiting'
      if (!idle || route.entry.state !== 'open') continue
      if (!route.queue.listed) this.#departures.settleUnlisted(route)
      else if (route.state === 'waiting' && route.waitClock !== 'attempts') {
        this.#scheduler.waiting.remove(route)
        this.#dispatcher.ready(route)
      }
    }
  }
}
