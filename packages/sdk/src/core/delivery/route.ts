import type { AttemptRecord } from '../../contract/dead-letter.ts'
import type { Target } from '../../contract/delivery.ts'
import type { BatchPart } from './batch-part.ts'
import type { Due } from './due-heap.ts'
import type { FunctionQueue } from './function-queue.ts'
import type { Entry } from './ledger.ts'
import type { Lane } from './lane.ts'
import type { RetryClock } from '../../contract/outcome.ts'

const historyLimit = 20

/**
 * Where a route is: `queued` behind others of its lane, `ready` for an attempt, `running`, `waiting` for its next
 * attempt, `handing-over` (to the dead letters or to the source's delayed retry), `settled`.
 */
export type RouteState = 'queued' | 'ready' | 'running' | 'waiting' | 'handing-over' | 'settled'

/** One event bound for one function. The links make the queues: no queue allocates anything per route. */
export class Route implements Due {
  readonly kind = 'route'
  readonly entry: Entry
  readonly queue: FunctionQueue
  /** Absent under `order: none`: nothing waits for this route. */
  readonly lane: Lane | undefined
  state: RouteState = 'queued'
  /** Attempts that count, so far. */
  attempts: number
  /** Epoch milliseconds. */
  firstAttemptAt: number | undefined
  lastAttemptAt: number | undefined
  /** Epoch milliseconds of the first 404 in a row. */
  notFoundSince: number | undefined
  lastStatus: number | undefined
  /** Waits in a row of the same clock. */
  waits = 0
  waitClock: RetryClock | undefined
  /** The running attempt is a probe of the function's or the gateway's breaker. */
  probe = false
  gatewayProbe = false
  /** Routes of a batch that failed as a whole are tried in halves: only those of one part share a request. */
  part: BatchPart | undefined
  /** The running request. */
  call: { abort(): void } | undefined
  /** The newest attempts; made with the first failure. */
  history: AttemptRecord[] | undefined
  nextInLane: Route | undefined
  previousReady: Route | undefined
  nextReady: Route | undefined
  dueAt = 0
  heapIndex = -1
  heapOrder = 0

  constructor(entry: Entry, queue: FunctionQueue, lane: Lane | undefined, target: Target | undefined) {
    this.entry = entry
    this.queue = queue
    this.lane = lane
    this.attempts = target?.attempts ?? 0
    this.firstAttemptAt = target?.firstAttemptAt
    if (target === undefined || (target.waited === undefined && target.attempts === 0)) return
    this.waitClock = target.waited?.clock ?? 'attempts'
    this.waits = target.waited?.times ?? target.attempts
    this.notFoundSince = target.waited?.notFoundSince
  }

  /** Goes on to another state; the counts of what could go in one request follow. */
  become(state: RouteState): void {
    const { queue, lane } = this
    if (this.state === 'ready') queue.startable -= 1 + (lane?.queued ?? 0)
    else if (this.state === 'queued' && lane !== undefined) this.#wait(lane, -1)
    this.state = state
    if (state === 'ready') queue.startable += 1 + (lane?.queued ?? 0)
    else if (state === 'queued' && lane !== undefined) this.#wait(lane, 1)
  }

  /** Stands at the end of its lane now. True when it is the head and may become ready. */
  joinLane(): boolean {
    const { lane } = this
    if (lane === undefined) return true
    const isHead = lane.push(this)
    this.#wait(lane, 1)
    return isHead
  }

  /** One more, or one less, that is queued in the lane: it can go together with a head that is ready. */
  #wait(lane: Lane, change: 1 | -1): void {
    lane.queued += change
    if (lane.head !== this && lane.head?.state === 'ready') this.queue.startable += change
  }

  /** This route as a source or a letter names it. */
  target(): Target {
    const base = { function: this.queue.name, attempts: this.attempts }
    return this.firstAttemptAt === undefined ? base : { ...base, firstAttemptAt: this.firstAttemptAt }
  }

  /** The same for a source that takes the wait over, with all that the retry must know. */
  deferral(): Target {
    const { waitClock: clock, waits: times, notFoundSince } = this
    if (clock === undefined) return this.target()
    return { ...this.target(), waited: { clock, times, ...(notFoundSince !== undefined && { notFoundSince }) } }
  }

  remember(attempt: AttemptRecord): void {
    this.history ??= []
    if (this.history.length === historyLimit) this.history.shift()
    this.history.push(attempt)
  }
}
