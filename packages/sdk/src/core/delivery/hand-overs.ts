import type { RouteResult } from '../../contract/delivery.ts'
import type { DeadLetterReason, Settled } from '../../contract/outcome.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Entry } from './ledger.ts'
import { Letters } from './letters.ts'
import type { Route } from './route.ts'

/** What the delivery core does once something was handed over, or could not be. */
export interface HandOverHooks {
  settle(route: Route, outcome: Settled, more?: Pick<RouteResult, 'reason' | 'reply'>): void
  wait(route: Route, afterMs: number): void
  acknowledge(entry: Entry): void
  /** Something may be startable again. */
  done(entry: Entry): void
}

/** Routes that leave for another durable place: the dead letters, or the source's delayed retry. Nothing settles before it lies there. */
export class HandOvers {
  readonly #options: EngineOptions
  readonly #hooks: HandOverHooks
  readonly #letters: Letters

  constructor(options: EngineOptions, hooks: HandOverHooks) {
    this.#options = options
    this.#hooks = hooks
    this.#letters = new Letters(options)
  }

  /** False when there is no place for dead letters: what would be one waits instead. */
  get canBury(): boolean {
    return this.#letters.available
  }

  /** Offers a long wait to the source; without its promise the wait is ours. */
  defer(route: Route, afterMs: number): void {
    const { entry } = route
    const { source } = this.#options
    route.become('handing-over')
    entry.busy += 1
    const finish = (taken: boolean): void => {
      entry.busy -= 1
      if (entry.state !== 'open') this.#options.observer.fenced?.(entry.delivery.event, route.queue.name)
      else if (taken) this.#hooks.settle(route, 'deferred')
      else this.#hooks.wait(route, afterMs)
      this.#hooks.done(entry)
    }
    Promise.resolve()
      .then(() => source.defer?.(entry.delivery, [route.deferral()], afterMs) ?? false)
      .then(finish, () => finish(false))
  }

  /** The route ends in the dead letters, or as the function's own policy says instead. */
  bury(route: Route, reason: DeadLetterReason, detail: string): void {
    const { entry, queue } = route
    if (entry.answers) return this.#hooks.settle(route, 'failed', { reason })
    if (queue.policy.deadLetter === 'drop') return this.#hooks.settle(route, 'dropped', { reason })
    if (queue.policy.deadLetter === 'hold' || !this.canBury) return this.#hooks.wait(route, this.#options.times.holdMs)
    route.become('handing-over')
    entry.busy += 1
    this.#letters.write(entry, this.#letters.compose(entry, route, reason, detail), (ours) => {
      entry.busy -= 1
      if (ours) this.#hooks.settle(route, 'dead-lettered', { reason })
      this.#hooks.done(entry)
    })
  }

  /** The event itself ends in the dead letters: no function is involved. False without a sink: it stays, and its window pauses. */
  buryEvent(entry: Entry, reason: DeadLetterReason, detail: string): boolean {
    const target = { function: '', attempts: 0 }
    if (entry.answers) {
      entry.addResult({ target, outcome: 'failed', reason })
      this.#hooks.acknowledge(entry)
      return true
    }
    if (!this.canBury) {
      this.#options.observer.held?.(entry.delivery.event, reason, detail)
      return false
    }
    entry.busy += 1
    this.#letters.write(entry, this.#letters.compose(entry, undefined, reason, detail), (ours) => {
      entry.busy -= 1
      if (ours) {
        entry.addResult({ target, outcome: 'dead-lettered', reason })
        this.#hooks.acknowledge(entry)
      }
      this.#hooks.done(entry)
    })
    return true
  }
}
