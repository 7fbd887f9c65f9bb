import { type FinishedAttempt, isGatewayRefusal } from '../settle/classify.ts'
import type { SettleRow } from '../settle/table.ts'
import { Breaker, type BreakerOptions } from './breaker.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Route } from './route.ts'
import { SharedFaults } from './shared-faults.ts'

const whyOf = (row: SettleRow): string => `${row.id}: ${row.seen}`

/** Keeps the breakers: what each attempt says about its function and about the gateway. */
export class Health {
  readonly gateway: Breaker
  readonly #options: Pick<EngineOptions, 'observer' | 'times'>
  readonly #shared = new SharedFaults()

  constructor(options: Pick<EngineOptions, 'observer' | 'times'>) {
    this.#options = options
    // Attempts in a row, not events: what feeds it never reached a function, so no event can be the cause, and a quiet connector has only one.
    this.gateway = new Breaker({
      threshold: 5,
      openMs: options.times.gatewayOpenMs,
      onChange: (state, why) => options.observer.breakerChanged?.('gateway', state, why),
    })
  }

  /** Options of a function's breaker: attempts in a row, since under order only the head of a lane is attempted. */
  breakerFor(name: string): BreakerOptions {
    const { observer, times } = this.#options
    return {
      threshold: 5,
      openMs: times.functionOpenMs,
      onChange: (state, why) => observer.breakerChanged?.({ function: name }, state, why),
    }
  }

  /**
   * Feeds both breakers with one finished attempt.
   *
   * @param now monotonic milliseconds
   * @param blames `event`: the failure says nothing of the function, unless its breaker is open already and this was the probe
   */
  feed(route: Route, row: SettleRow, result: FinishedAttempt, now: number, blames: 'function' | 'event' = 'function'): void {
    const { queue, probe, gatewayProbe } = route
    const eventId = route.entry.delivery.event.id
    if (row.feeds === 'gateway') {
      queue.breaker.neutral(probe)
      if (row.trips === true) this.gateway.trip(now, whyOf(row))
      else this.gateway.failure(eventId, gatewayProbe, now)
      return
    }
    if (row.feeds === 'success') {
      this.#shared.clear(queue.name)
      queue.breaker.success(probe)
    } else if (row.feeds === 'nothing' || (blames === 'event' && queue.breaker.state === 'closed')) {
      queue.breaker.neutral(probe)
    } else if (row.trips === true) {
      queue.breaker.trip(now, whyOf(row))
    } else {
      queue.breaker.failure(eventId, probe, now)
    }
    const isShared = row.feeds === 'function-or-shared' && (isGatewayRefusal(result) || this.#shared.note(row.id, queue.name, now))
    if (isShared) this.gateway.trip(now, whyOf(row))
    else if (result.kind === 'response') this.gateway.success(gatewayProbe)
    else this.gateway.neutral(gatewayProbe)
  }

  /** The attempt was stopped by us: it says nothing. */
  ignore(route: Route): void {
    route.queue.breaker.neutral(route.probe)
    this.gateway.neutral(route.gatewayProbe)
  }
}
