import type { AttemptResult } from '../attempt.ts'
import { Attempts, type Judged } from './attempts.ts'
import { BatchRounds } from './batch-rounds.ts'
import type { Departures } from './departures.ts'
import type { EngineOptions } from './engine-options.ts'
import type { HandOvers } from './hand-overs.ts'
import type { Health } from './health.ts'
import type { Route } from './route.ts'
import type { Router } from './router.ts'
import type { Scheduler } from './scheduler.ts'
import { Waker } from './waker.ts'

/** The parts of the delivery core that attempts need. */
export interface DispatcherParts {
  readonly scheduler: Scheduler
  readonly health: Health
  readonly router: Router
  readonly departures: Departures
  readonly handOvers: HandOvers
}

/** Attempts: starts whatever may be started, and sends each route where the outcome of its attempt says. */
export class Dispatcher {
  readonly #options: EngineOptions
  readonly #parts: DispatcherParts
  readonly #attempts: Attempts
  readonly #batches: BatchRounds
  readonly #waker: Waker
  #pumping = false

  constructor(options: EngineOptions, parts: DispatcherParts) {
    this.#options = options
    this.#parts = parts
    this.#attempts = new Attempts(options, parts.health)
    this.#batches = new BatchRounds(this.#attempts, parts.health, {
      conclude: (route, judged) => this.#conclude(route, judged),
      putBack: (route) => this.#putBack(route),
      wait: (route, afterMs) => this.wait(route, afterMs),
      canBury: () => parts.handOvers.canBury,
      now: () => options.clock.monotonic(),
    })
    this.#waker = new Waker(options.clock, () => this.pump())
  }

  /** Starts whatever can be started, then sets the timer for what waits. */
  pump(): void {
    // An acknowledgement may hand over the next event in the same breath; one loop serves both.
    if (this.#pumping) return
    this.#pumping = true
    try {
      this.#startAll(this.#options.clock.monotonic())
    } finally {
      this.#pumping = false
    }
    const { health, scheduler } = this.#parts
    if (health.gateway.state === 'open') this.#waker.at(health.gateway.openUntil)
    const dueAt = scheduler.waiting.nextAt
    if (dueAt !== undefined) this.#waker.at(dueAt)
  }

  ready(route: Route): void {
    route.queue.pushReady(route)
    this.#parts.scheduler.wake(route.queue)
  }

  wait(route: Route, afterMs: number): void {
    if (route.state === 'settled') return
    route.become('waiting')
    route.dueAt = this.#options.clock.monotonic() + afterMs
    this.#parts.scheduler.waiting.push(route)
  }

  /** Nothing is woken any more. */
  cancel(): void {
    this.#waker.cancel()
  }

  #startAll(now: number): void {
    this.#wakeDue(now)
    const { health, scheduler } = this.#parts
    while (health.gateway.admits(now)) {
      const route = scheduler.next(now)
      if (route === undefined) break
      this.#begin(route)
    }
  }

  #wakeDue(now: number): void {
    const { scheduler } = this.#parts
    for (let due = scheduler.waiting.popDue(now); due !== undefined; due = scheduler.waiting.popDue(now)) {
      if (due.kind === 'route') this.ready(due)
      else scheduler.wake(due)
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
      this.#parts.handOvers.bury(route, 'gone', 'the function answered 410 before and has not been deployed again')
      return
    }
    queue.inFlight += 1
    this.#parts.scheduler.inFlight += 1
    route.part?.started()
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

  #finish(route: Route, result: AttemptResult): void {
    const { health, router, departures, handOvers } = this.#parts
    const { entry, queue } = route
    route.call = undefined
    entry.busy -= 1
    this.#endRequest(route)
    if (entry.state !== 'open') {
      health.ignore(route)
      this.#options.observer.fenced?.(entry.delivery.event, queue.name)
      router.forgetIfGone(queue)
    } else if (result.kind === 'aborted') {
      health.ignore(route)
      this.ready(route)
    } else {
      this.#conclude(route, this.#attempts.judge(route, result, handOvers.canBury))
    }
    departures.releaseIfFrozen(entry)
    this.pump()
  }

  #finishBatch(leader: Route, routes: readonly Route[], result: AttemptResult): void {
    const { health, router, departures } = this.#parts
    const { queue } = leader
    this.#endRequest(leader)
    for (const route of routes) {
      route.call = undefined
      route.entry.busy -= 1
      if (route.entry.state !== 'open') this.#options.observer.fenced?.(route.entry.delivery.event, queue.name)
    }
    const open = routes.filter((route) => route.entry.state === 'open')
    if (result.kind === 'aborted' || open.length === 0) {
      health.ignore(leader)
      for (const route of open) this.#putBack(route)
      router.forgetIfGone(queue)
    } else {
      this.#batches.finish(leader, open, result)
    }
    for (const { entry } of open) departures.releaseIfFrozen(entry)
    this.pump()
  }

  #endRequest({ queue, part }: Route): void {
    const { scheduler } = this.#parts
    part?.ended()
    queue.inFlight -= 1
    scheduler.inFlight -= 1
    scheduler.wake(queue)
  }

  /** Not attempted after all: behind the head of its lane, or ready at once. */
  #putBack(route: Route): void {
    if (route.state === 'settled') return
    route.become('queued')
    if (route.lane === undefined || route.lane.head === route) this.ready(route)
  }

  #conclude(route: Route, { outcome, result, row }: Judged): void {
    const { departures, handOvers } = this.#parts
    const { queue } = route
    // Whoever heard of the result may have had it released since, and what is settled must not wait or settle again.
    if (route.state === 'settled') return
    if (outcome.kind === 'done') {
      const reply = result.kind === 'response' && this.#options.wantReply() ? { reply: result.reply } : {}
      departures.settle(route, queue.policy.async ? 'accepted' : 'done', reply)
    } else if (outcome.kind === 'drop') {
      departures.settleUnlisted(route)
    } else if (outcome.kind === 'dead-letter') {
      if (outcome.reason === 'gone') queue.gone = true
      const status = result.kind === 'response' ? `status ${result.reply.status}` : `${result.cause}: ${result.detail}`
      handOvers.bury(route, outcome.reason, `${row.seen} (${row.id}); last: ${status}`)
    } else {
      const { defer } = this.#options.source
      const defers = defer !== undefined && outcome.kind === 'retry' && route.lane === undefined
      if (defers && outcome.afterMs >= this.#options.times.deferFromMs) handOvers.defer(route, outcome.afterMs)
      else this.wait(route, outcome.afterMs)
    }
  }
}
