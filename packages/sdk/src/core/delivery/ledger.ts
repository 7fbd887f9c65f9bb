import type { Delivery, ReleaseReason, RouteResult, Settlement } from '../../contract/delivery.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import type { Intake } from './intake.ts'
import type { Route } from './route.ts'

/** Counts of events. `received = acked + dead + released + inFlight` always holds; `drift` is the difference. */
export interface Conservation {
  readonly received: number
  /** Acknowledged, and no route ended in the dead letters. */
  readonly acked: number
  /** Acknowledged, with at least one route in the dead letters. */
  readonly dead: number
  readonly released: number
  readonly inFlight: number
  readonly drift: number
}

const headerBytes = ({ headers }: MillraceEvent): number => {
  let bytes = 0
  for (const [name, value] of headers) bytes += name.length + value.length
  return bytes
}

const none: never[] = []

/** Told once when an acknowledgement is through; `failure` when it was refused. */
export type AckDone = (settlement: Settlement, failure?: unknown) => void

/** One delivery from its arrival until it is acknowledged or released. */
export class Entry {
  readonly delivery: Delivery
  readonly intake: Intake
  readonly place: number
  /** Data and headers: what it holds in memory. */
  readonly bytes: number
  /** Somebody waits for the results and has the event: what would be a dead letter is told instead. */
  readonly answers: boolean
  /** Monotonic milliseconds. */
  readonly receivedAt: number
  #routes: Route[] = none
  #results: RouteResult[] = none
  pending = 0
  /** Attempts and hand-overs under way: what a drain waits for. */
  busy = 0
  state: 'open' | 'acking' | 'acked' | 'released' = 'open'
  previous: Entry | undefined
  next: Entry | undefined

  constructor(delivery: Delivery, intake: Intake, place: number, answers: boolean, receivedAt: number) {
    this.delivery = delivery
    this.intake = intake
    this.place = place
    this.bytes = delivery.event.data.byteLength + headerBytes(delivery.event)
    this.answers = answers
    this.receivedAt = receivedAt
  }

  /** All of them, settled ones too. */
  get routes(): readonly Route[] {
    return this.#routes
  }

  get results(): readonly RouteResult[] {
    return this.#results
  }

  addRoute(route: Route): void {
    this.pending += 1
    // Most events have one, and the first `push` to an empty array makes room for seventeen.
    if (this.#routes === none) this.#routes = [route]
    else this.#routes.push(route)
  }

  addResult(result: RouteResult): void {
    if (this.#results === none) this.#results = [result]
    else this.#results.push(result)
  }
}

/**
 * The books: every delivery that entered, in order of arrival, and how each one left. An event is acknowledged exactly
 * when all of its routes have settled, and `ack` and `release` exclude each other here and nowhere else.
 */
export class Ledger {
  #first: Entry | undefined
  #last: Entry | undefined
  #received = 0
  #acked = 0
  #dead = 0
  #released = 0
  #open = 0
  #acknowledging = false
  #toAcknowledge: { readonly entry: Entry; readonly done: AckDone }[] = []
  /** Bytes of the events that are open. */
  bytes = 0

  /** Events that are neither acknowledged nor released. */
  get open(): number {
    return this.#open
  }

  /** Monotonic time when the oldest open event arrived. */
  get oldestAt(): number | undefined {
    return this.#first?.receivedAt
  }

  enter(entry: Entry): void {
    this.#received += 1
    this.#open += 1
    this.bytes += entry.bytes
    entry.previous = this.#last
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  /** All routes are settled: acknowledges, and calls `done` when the acknowledgement is through. Idempotent. */
  acknowledge(entry: Entry, done: AckDone): void {
    if (entry.state !== 'open') return
    entry.state = 'acking'
    // A source may hand over its next event from within `ack`: one after the other, or a run of events that nobody wants would fill the stack.
    if (this.#acknowledging) {
      this.#toAcknowledge.push({ entry, done })
      return
    }
    this.#acknowledging = true
    try {
      this.#ack(entry, done)
      while (this.#toAcknowledge.length > 0) {
        const batch = this.#toAcknowledge
        this.#toAcknowledge = []
        for (const next of batch) this.#ack(next.entry, next.done)
      }
    } finally {
      this.#acknowledging = false
    }
  }

  /** Gives the event back. False when it is already on its way out. */
  release(entry: Entry, reason: ReleaseReason): boolean {
    if (entry.state !== 'open') return false
    entry.state = 'released'
    this.#leave(entry)
    this.#released += 1
    try {
      entry.delivery.release(reason)
    } catch {
      // The contract forbids it; whatever the source did, the event is unacknowledged and comes again.
    }
    return true
  }

  *entries(): Generator<Entry> {
    for (let entry = this.#first; entry !== undefined;) {
      // Read before the yield: the caller may take this entry out.
      const { next } = entry
      yield entry
      entry = next
    }
  }

  conservation(): Conservation {
    const [received, acked, dead, released, inFlight] = [this.#received, this.#acked, this.#dead, this.#released, this.#open]
    return { received, acked, dead, released, inFlight, drift: received - acked - dead - released - inFlight }
  }

  #ack(entry: Entry, done: AckDone): void {
    const settlement: Settlement = { results: entry.results }
    // What `done` throws is not a failure of the acknowledgement: it must not be counted a second time.
    const through = (failure?: unknown): void => this.#acknowledged(entry, settlement, done, failure)
    let pending: Promise<void> | undefined
    try {
      pending = entry.delivery.ack(settlement) ?? undefined
    } catch (failure) {
      through(failure ?? new Error('ack threw'))
      return
    }
    // An author without a type checker may return anything.
    if (typeof pending?.then !== 'function') through()
    else
      pending.then(
        () => through(),
        (failure: unknown) => through(failure ?? new Error('ack was rejected')),
      )
  }

  #acknowledged(entry: Entry, settlement: Settlement, done: AckDone, failure: unknown): void {
    entry.state = 'acked'
    this.#leave(entry)
    // A refused acknowledgement: the broker gives the event again, as after a release.
    if (failure !== undefined) this.#released += 1
    else if (entry.results.some((result) => result.outcome === 'dead-lettered')) this.#dead += 1
    else this.#acked += 1
    done(settlement, failure)
  }

  #leave(entry: Entry): void {
    this.#open -= 1
    this.bytes -= entry.bytes
    if (entry.previous === undefined) this.#first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.#last = entry.previous
    else entry.next.previous = entry.previous
    entry.previous = undefined
    entry.next = undefined
    entry.intake.leave(entry.place)
  }
}
