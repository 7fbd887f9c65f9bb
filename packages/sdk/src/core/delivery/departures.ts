import type { ReleaseReason, RouteResult } from '../../contract/delivery.ts'
import type { Settled } from '../../contract/outcome.ts'
import type { BackPressure } from './back-pressure.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Entry, Ledger } from './ledger.ts'
import type { Revocation } from './revocation.ts'
import type { Route } from './route.ts'
import type { Router } from './router.ts'
import type { Scheduler } from './scheduler.ts'

/** The parts of the delivery core that hold what leaves. */
export interface DepartureParts {
  readonly ledger: Ledger
  readonly scheduler: Scheduler
  readonly router: Router
  readonly pressure: BackPressure
  readonly revocation: Revocation
}

/** What the delivery core does when something has left. */
export interface DepartureHooks {
  /** The next of a lane may be attempted. */
  ready(route: Route): void
  /** The event is given back: whoever still holds it lets it go. */
  released(entry: Entry): void
}

/** The ways out: a route settles; an event is acknowledged when its last route has settled, or it is released with what is left of it. */
export class Departures {
  readonly #options: Pick<EngineOptions, 'clock' | 'observer'>
  readonly #parts: DepartureParts
  readonly #hooks: DepartureHooks

  constructor(options: Pick<EngineOptions, 'clock' | 'observer'>, parts: DepartureParts, hooks: DepartureHooks) {
    this.#options = options
    this.#parts = parts
    this.#hooks = hooks
  }

  settle(route: Route, outcome: Settled, more: Pick<RouteResult, 'reason' | 'reply'> = {}): void {
    const { entry } = route
    const status = route.lastStatus === undefined ? {} : { status: route.lastStatus }
    const result: RouteResult = { target: route.target(), outcome, ...status, ...more }
    entry.addResult(result)
    entry.pending -= 1
    this.#options.observer.routeSettled?.(entry.delivery.event, result)
    const next = this.#take(route)
    if (next !== undefined && next.state === 'queued') this.#hooks.ready(next)
    if (entry.pending === 0) this.acknowledge(entry)
  }

  /** Its function is gone: dropped, counted (S5), or given back to a source that keeps what was for this function alone. */
  settleUnlisted(route: Route): void {
    const { entry } = route
    if (entry.delivery.unlisted !== 'release' || entry.routes.length > 1) return this.settle(route, 'dropped')
    const next = this.#take(route)
    if (next !== undefined && next.state === 'queued') this.#hooks.ready(next)
    this.release(entry, 'unlisted')
  }

  acknowledge(entry: Entry): void {
    const { clock, observer } = this.#options
    const { event } = entry.delivery
    this.#parts.ledger.acknowledge(entry, (settlement, failure) => {
      if (failure === undefined) observer.acknowledged?.(event, settlement, clock.monotonic() - entry.receivedAt)
      else observer.ackFailed?.(event, failure)
      this.#left(entry)
    })
  }

  release(entry: Entry, reason: ReleaseReason): void {
    for (const route of entry.routes) if (route.state !== 'settled') this.#take(route)
    this.#hooks.released(entry)
    if (!this.#parts.ledger.release(entry, reason)) return
    this.#options.observer.released?.(entry.delivery.event, reason)
    this.#left(entry)
  }

  /** A drain waits for what runs, not for what would be tried again. */
  releaseIfFrozen(entry: Entry): void {
    const reason = entry.intake.frozen
    if (reason !== undefined && entry.busy === 0 && entry.state === 'open') this.release(entry, reason)
  }

  releaseWhere(which: (entry: Entry) => boolean, reason: ReleaseReason): void {
    // A copy: a release may let others leave in the same breath.
    for (const entry of Array.from(this.#parts.ledger.entries())) if (entry.state === 'open' && which(entry)) this.release(entry, reason)
  }

  /** Takes a route out of its queue and its lane; gives the lane's next head. */
  #take(route: Route): Route | undefined {
    const { queue, lane } = route
    const { scheduler, router } = this.#parts
    scheduler.waiting.remove(route)
    if (route.state === 'ready') queue.removeReady(route)
    route.become('settled')
    queue.routes -= 1
    router.forgetIfGone(queue)
    if (lane === undefined || lane.head !== route) return undefined
    const next = lane.advance()
    if (next === undefined) queue.forgetLane(lane)
    return next
  }

  #left(entry: Entry): void {
    this.#parts.pressure.left(entry.intake)
    this.#parts.revocation.left()
  }
}
