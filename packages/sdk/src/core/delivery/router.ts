import type { Target } from '../../contract/delivery.ts'
import type { FunctionPolicy } from '../function-policy.ts'
import type { RoutingTable } from './engine-options.ts'
import { FunctionQueue } from './function-queue.ts'
import type { Health } from './health.ts'
import { laneKey } from './lane-key.ts'
import type { Entry } from './ledger.ts'
import { Route } from './route.ts'

const isFiltered = ({ delivery: { event } }: Entry, { filter }: FunctionPolicy): boolean => filter?.(event) === false

/** Makes the routes of an event: one for each function that the topic map, or the delivery's targets, names. */
export class Router {
  readonly #health: Health
  readonly #monotonic: () => number
  readonly queues: Map<string, FunctionQueue> = new Map<string, FunctionQueue>()
  #map: RoutingTable

  constructor(map: RoutingTable, health: Health, monotonic: () => number) {
    this.#map = map
    this.#health = health
    this.#monotonic = monotonic
  }

  /** Fills the entry's routes and the results that need no call; false when no function wants the event. */
  route(entry: Entry): boolean {
    const { event, targets } = entry.delivery
    if (targets !== undefined) {
      for (const target of targets) this.#routeTo(entry, target)
      return true
    }
    const matches = this.#map.match(event.topic)
    for (const { policy } of matches) {
      if (isFiltered(entry, policy)) entry.addResult({ target: { function: policy.function, attempts: 0 }, outcome: 'filtered' })
      else this.#add(entry, policy, undefined)
    }
    return matches.length > 0
  }

  lists(target: Target): boolean {
    return this.#map.get(target.function) !== undefined
  }

  /** A new snapshot: every queue gets its function's new policy, or is no longer listed. */
  setMap(map: RoutingTable): void {
    this.#map = map
    const now = this.#monotonic()
    for (const queue of this.queues.values()) {
      const mapped = map.get(queue.name)
      if (mapped === undefined) queue.listed = false
      else queue.update(mapped.policy, now)
    }
  }

  /** Forgets a function that is gone, once nothing of it is left. */
  forgetIfGone(queue: FunctionQueue): void {
    if (!queue.listed && queue.routes === 0 && queue.inFlight === 0) this.queues.delete(queue.name)
  }

  #routeTo(entry: Entry, target: Target): void {
    const mapped = this.#map.get(target.function)
    // Names come from the broker: what the map does not list is never called (S5: dropped, counted).
    if (mapped === undefined) entry.addResult({ target, outcome: 'dropped' })
    else if (entry.delivery.asksFilter === true && isFiltered(entry, mapped.policy)) entry.addResult({ target, outcome: 'filtered' })
    else this.#add(entry, mapped.policy, target)
  }

  #add(entry: Entry, policy: FunctionPolicy, target: Target | undefined): void {
    const queue = this.#queue(policy)
    const key = laneKey(policy.order, entry.delivery.event, entry.intake.name)
    entry.addRoute(new Route(entry, queue, key === undefined ? undefined : queue.lane(key), target))
    queue.routes += 1
  }

  #queue(policy: FunctionPolicy): FunctionQueue {
    const known = this.queues.get(policy.function)
    if (known !== undefined) return known
    const queue = new FunctionQueue(policy, this.#health.breakerFor(policy.function), this.#monotonic())
    this.queues.set(policy.function, queue)
    return queue
  }
}
