import type { ReleaseReason, Reply, RouteResult, Settlement } from '../contract/delivery.ts'
import type { DeadLetter } from '../contract/dead-letter.ts'
import type { MillraceEvent } from '../contract/event.ts'
import type { FunctionsChange } from '../contract/functions-view.ts'
import { describeError } from '../core/errors.ts'
import type { AttemptReport, BreakerState } from '../core/delivery/observer.ts'
import type { Logger } from '../contract/logger.ts'
import type { LifeCycleState } from './life-cycle.ts'

/** What a connector tells its listeners. One object each; synchronous; a listener that throws is logged. */
export interface ConnectorEvents {
  /** When the life cycle goes on to another state. */
  'state:changed': { readonly state: LifeCycleState; readonly before: LifeCycleState }
  /** When a new topic map is in force. */
  'map:changed': { readonly change: FunctionsChange; readonly functions: number }
  /** When every watched function list was read, whether or not anything changed. `at` in epoch milliseconds. */
  'discovery:listed': { readonly at: number }
  /** When the function list could not be read; the last good map stays. */
  'discovery:failed': { readonly error: unknown; readonly consecutiveFailures: number }
  /** When the source is subscribed. */
  'source:connected': { readonly source: string }
  /** When the source could not connect, or its session was lost; it is tried again after `retryMs`. */
  'source:lost': { readonly source: string; readonly error: unknown; readonly retryMs: number }
  /** When an event comes in. */
  'event:received': { readonly event: MillraceEvent; readonly intake: string }
  /** When no function wants an event. */
  'event:unmatched': { readonly event: MillraceEvent; readonly policy: 'ack' | 'hold' | 'dead-letter' }
  /** When every route of an event is settled and the acknowledgement is through. */
  'event:acknowledged': { readonly event: MillraceEvent; readonly settlement: Settlement; readonly tookMs: number }
  /** When an event is given back. */
  'event:released': { readonly event: MillraceEvent; readonly reason: ReleaseReason }
  /** When the source refused the acknowledgement; the broker gives the event again. */
  'event:ack-failed': { readonly event: MillraceEvent; readonly error: unknown }
  /** When a request is sent. */
  'attempt:started': { readonly event: MillraceEvent; readonly function: string; readonly attempt: number }
  /** When a request has come to an outcome. */
  'attempt:finished': AttemptReport
  /** When one route of an event is settled. */
  'route:settled': { readonly event: MillraceEvent; readonly result: RouteResult }
  /** When a letter lies safely. */
  'dead-letter:written': { readonly letter: DeadLetter }
  /** When a letter could not be written; it is tried again, and nothing is acknowledged meanwhile. */
  'dead-letter:failed': { readonly letter: DeadLetter; readonly error: unknown; readonly retryMs: number }
  /** When a breaker opens, lets a probe through, or closes. */
  'breaker:changed': { readonly scope: 'gateway' | { readonly function: string }; readonly state: BreakerState; readonly why: string }
  /** When a function has answered. Given later and out of the way of delivery; dropped, and counted, when listeners are slow. */
  reply: {
    readonly event: MillraceEvent
    readonly function: string
    readonly attempt: number
    readonly reply: Reply
    readonly durationMs: number
  }
}

type Listener<K extends keyof ConnectorEvents> = (payload: ConnectorEvents[K]) => void

/** Typed listeners by name. Costs nothing where nobody listens. */
export class Listeners {
  readonly #logger: Logger
  readonly #byName = new Map<keyof ConnectorEvents, Set<(payload: never) => void>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  on<K extends keyof ConnectorEvents>(name: K, listener: Listener<K>): () => void {
    const listeners = this.#byName.get(name) ?? new Set()
    this.#byName.set(name, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#byName.delete(name)
    }
  }

  has(name: keyof ConnectorEvents): boolean {
    return this.#byName.has(name)
  }

  emit<K extends keyof ConnectorEvents>(name: K, payload: ConnectorEvents[K]): void {
    const listeners = this.#byName.get(name)
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        ;(listener as Listener<K>)(payload)
      } catch (error) {
        this.#logger.error('a listener threw', { event: name, error: describeError(error) })
      }
    }
  }
}
