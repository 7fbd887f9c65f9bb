import type { BatchPolicy, FunctionPolicy } from '../function-policy.ts'
import type { BreakerOptions } from './breaker.ts'
import { Breaker } from './breaker.ts'
import type { Due } from './due-heap.ts'
import { Lane } from './lane.ts'
import type { Route } from './route.ts'
import { TokenBucket } from './token-bucket.ts'

/** Why no attempt of a function can start just now. */
export type Blocked = 'empty' | 'concurrency' | 'stopped' | { readonly until: number }

/** Everything that waits for one function: its lanes, its ready routes, its limits and its breaker. */
export class FunctionQueue implements Due {
  readonly kind = 'queue'
  readonly name: string
  readonly breaker: Breaker
  /** By key; made with the first one, since without order there is none. */
  #lanes: Map<string, Lane> | undefined
  inFlight = 0
  /** Routes that are not settled. */
  routes = 0
  /** Of them, those that could go in a request now: the ready ones, and those behind them in their lanes. */
  startable = 0
  /** False once the topic map no longer lists the function. */
  listed = true
  /** 410: no call until the declaration changes (S10). */
  gone = false
  /** In the scheduler's ring. */
  inRing = false
  dueAt = 0
  heapIndex = -1
  heapOrder = 0
  #policy: FunctionPolicy
  #bucket: TokenBucket | undefined
  #readyHead: Route | undefined
  #readyTail: Route | undefined
  /** When the first route of a batch in the making became ready. */
  #fillingSince: number | undefined

  constructor(policy: FunctionPolicy, breaker: BreakerOptions, now: number) {
    this.name = policy.function
    this.breaker = new Breaker(breaker)
    this.#policy = policy
    this.#bucket = bucketOf(policy, now)
  }

  get policy(): FunctionPolicy {
    return this.#policy
  }

  /** A new snapshot of the map: new limits, and a 410 is forgotten when the function was deployed again. */
  update(policy: FunctionPolicy, now: number): void {
    if (policy.ratePerSecond !== this.#policy.ratePerSecond) this.#bucket = bucketOf(policy, now)
    if (policy.revision !== this.#policy.revision) this.gone = false
    this.listed = true
    this.#policy = policy
  }

  /** The lane of a key, made when it is needed. */
  lane(key: string): Lane {
    this.#lanes ??= new Map<string, Lane>()
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = new Lane(key)
    this.#lanes.set(key, lane)
    return lane
  }

  /** The lane is empty. */
  forgetLane(lane: Lane): void {
    if (this.#lanes?.get(lane.key) === lane) this.#lanes.delete(lane.key)
  }

  pushReady(route: Route): void {
    route.become('ready')
    route.previousReady = this.#readyTail
    if (this.#readyTail === undefined) this.#readyHead = route
    else this.#readyTail.nextReady = route
    this.#readyTail = route
  }

  /** Takes a ready route out, wherever it stands: nothing of a released event may stay behind one that is blocked for hours. */
  removeReady(route: Route): void {
    const { previousReady, nextReady } = route
    if (previousReady === undefined) this.#readyHead = nextReady
    else previousReady.nextReady = nextReady
    if (nextReady === undefined) this.#readyTail = previousReady
    else nextReady.previousReady = previousReady
    if (this.#readyHead === undefined) this.#fillingSince = undefined
    route.previousReady = undefined
    route.nextReady = undefined
  }

  /** Whether an attempt can start at `now`; if not, why, or until when. Takes nothing. */
  blocked(now: number): Blocked | undefined {
    if (this.#readyHead === undefined) return 'empty'
    // First, so that the window of a batch also runs while the function is busy.
    const filledAt = this.#filledAt(now)
    if (this.inFlight >= this.#policy.concurrency) return 'concurrency'
    if (!this.breaker.admits(now)) return this.breaker.state === 'open' ? { until: this.breaker.openUntil } : 'stopped'
    const readyAt = Math.max(this.#bucket?.readyAt(now) ?? now, filledAt)
    return readyAt > now ? { until: readyAt } : undefined
  }

  /** When a request is full enough to be sent: at once without batches, with enough routes, or after the window. */
  #filledAt(now: number): number {
    const { batch } = this.#policy
    if (batch === undefined || this.#readyHead?.part !== undefined) return now
    this.#fillingSince ??= now
    return this.startable >= batch.size ? now : this.#fillingSince + batch.windowMs
  }

  /**
   * The routes that go with the leader of a batch: ready ones, and those behind them in their lanes, of the same part. None with a probe:
   * one poison event among many would keep the breaker open.
   */
  takeBatch(leader: Route, batch: BatchPolicy): Route[] {
    this.#fillingSince = undefined
    if (this.breaker.state === 'half-open') return [leader]
    const routes: Route[] = []
    let bytes = 0
    const fits = (route: Route): boolean =>
      routes.length < batch.size &&
      route.part === leader.part &&
      route.entry.intake.frozen === undefined &&
      (routes.length === 0 || bytes + route.entry.delivery.event.data.byteLength <= batch.maxBytes)
    const take = (route: Route): void => {
      routes.push(route)
      bytes += route.entry.delivery.event.data.byteLength
    }
    for (let head: Route | undefined = leader; head !== undefined; head = this.#shiftIf(fits)) {
      take(head)
      for (let next = head.nextInLane; next !== undefined; next = next.nextInLane) {
        if (next.state === 'settled') continue
        if (next.state !== 'queued' || !fits(next)) break
        take(next)
      }
    }
    return routes
  }

  #shiftIf(fits: (route: Route) => boolean): Route | undefined {
    const route = this.#readyHead
    if (route === undefined || !fits(route)) return undefined
    this.removeReady(route)
    return route
  }

  /** The next ready route, with its token; only after `blocked` gave `undefined`. */
  takeReady(now: number): Route | undefined {
    const route = this.breaker.state === 'half-open' ? this.#probe(now) : this.#readyHead
    if (route === undefined) return undefined
    this.#bucket?.take(now)
    this.removeReady(route)
    return route
  }

  /**
   * An event that has not failed yet tells of the function; one that has may be to blame itself and keep the breaker open before all others.
   * Once `poison-after` has passed probes count, and go in turn.
   */
  #probe(now: number): Route | undefined {
    const since = this.breaker.failingSince
    if (since === undefined || now - since >= this.#policy.retry.poisonAfterMs) return this.#readyHead
    for (let route = this.#readyHead; route !== undefined; route = route.nextReady) {
      if (route.history === undefined && route.waitClock === undefined) return route
    }
    return this.#readyHead
  }
}

const bucketOf = (policy: FunctionPolicy, now: number): TokenBucket | undefined =>
  policy.ratePerSecond === undefined ? undefined : new TokenBucket(policy.ratePerSecond, now)
