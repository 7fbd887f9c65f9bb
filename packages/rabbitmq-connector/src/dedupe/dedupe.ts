import { createHash } from 'node:crypto'
import type { Clock, Logger, SourceMetrics, StateStore } from '@millrace/sdk'
import { OpenGate } from './open-gate.ts'
import { RecentMarks } from './recent-marks.ts'

/** Knows again what was finished before. */
export interface Dedupe {
  /**
   * Whether the id was marked. At once where this process remembers it, else within `timeoutMs`. Never rejects: in doubt an event is new,
   * and is delivered.
   */
  seen(id: string): boolean | Promise<boolean>
  /**
   * Marks it, for all who share the state. Call it after success and before the acknowledgement: a crash between the two is a repeat that
   * is then known. Resolves within `timeoutMs`, never rejects: without its mark a repeat is delivered.
   */
  mark(id: string): Promise<void>
}

export interface DedupeOptions {
  /** Shared by replicas where it is in Redis; else each knows its own. */
  readonly state: StateStore
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: SourceMetrics
  /** How long a mark stands, from the first success. @default 86400000 */
  readonly ttlMs?: number
  /** How long the state store is waited for. @default 500 */
  readonly timeoutMs?: number
  /** While it fails, how often it is asked again. @default 1000 */
  readonly retryMs?: number
  /** Marks that are remembered in this process. @default 10000 */
  readonly remembered?: number
}

const DEFAULTS = { ttlMs: 86_400_000, timeoutMs: 500, retryMs: 1000, remembered: 10_000 }

/** Rows for the table of the connector's metrics. */
export const dedupeMetrics = {
  millrace_rabbitmq_dedupe_missed_total: {
    type: 'counter',
    help: 'Messages delivered unchecked (seen) or finished unmarked (mark), since the state store did not answer: dedupe fails open.',
    labels: ['call'],
  },
} as const

/** Ids come from producers and may be longer than a key. */
const keyOf = (id: string): string => `rabbitmq/dedupe/${createHash('sha256').update(id).digest('base64url')}`

class StateDedupe implements Dedupe {
  readonly #state: StateStore
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #recent: RecentMarks
  readonly #asking: OpenGate
  readonly #marking: OpenGate

  constructor(options: DedupeOptions) {
    const { timeoutMs = DEFAULTS.timeoutMs, retryMs = DEFAULTS.retryMs } = options
    const { state, clock, logger, metrics } = options
    this.#state = state
    this.#clock = clock
    this.#ttlMs = options.ttlMs ?? DEFAULTS.ttlMs
    this.#recent = new RecentMarks(options.remembered ?? DEFAULTS.remembered)
    const gate = (call: string, what: string, effect: string): OpenGate => {
      const missed = metrics.counter('millrace_rabbitmq_dedupe_missed_total', { call })
      return new OpenGate({ clock, logger, timeoutMs, retryMs, what, effect, onMissed: () => missed.inc() })
    }
    this.#asking = gate('seen', 'looking for marks', 'messages are delivered unchecked, repeats too')
    this.#marking = gate('mark', 'writing marks', 'what is finished now is not known again by another replica or after a restart')
  }

  seen(id: string): boolean | Promise<boolean> {
    const key = keyOf(id)
    return this.#recent.has(key, this.#clock.now()) ? true : this.#ask(key)
  }

  async mark(id: string): Promise<void> {
    const key = keyOf(id)
    const now = this.#clock.now()
    this.#recent.add(key, now + this.#ttlMs)
    const value = new TextEncoder().encode(String(now))
    // One that is there already stands: its time counts from the first success.
    await this.#marking.pass(() => this.#state.put(key, value, 'absent', undefined, this.#ttlMs))
  }

  async #ask(key: string): Promise<boolean> {
    const found = (await this.#asking.pass(() => this.#state.get(key)))?.answer
    if (found === undefined) return false
    const now = this.#clock.now()
    const markedAt = Number(new TextDecoder().decode(found.value))
    // The clock of the replica that wrote it may be another one's: it is remembered for no longer than a mark of now would be.
    const until = Math.min(Number.isFinite(markedAt) ? markedAt : now, now) + this.#ttlMs
    this.#recent.add(key, until)
    return true
  }
}

/**
 * Knows events again by marks in the state store, written after success and gone after `ttlMs`. One read for a new event, one write for a
 * finished one, none for a repeat that this process has finished. When the store does not answer in time it fails open: the event is
 * delivered, one line and a counter say so.
 *
 * It stops repeats of what is finished, over restarts and, with state in Redis, over replicas. Two copies that are in flight at the same
 * moment are both delivered. Give it ids that mean one event only (`dedupeIdOf`), never those made of the content.
 */
export const dedupe = (options: DedupeOptions): Dedupe => new StateDedupe(options)
