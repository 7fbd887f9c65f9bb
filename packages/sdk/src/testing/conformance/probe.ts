import { noMetrics } from '../../core/no-metrics.ts'
import type { Delivery, ReleaseReason, Settlement } from '../../contract/delivery.ts'
import type { Settled } from '../../contract/outcome.ts'
import type { Session, Source, SourceContext } from '../../contract/source.ts'
import { silentLogger } from '../../ports/logging/pino-logger.ts'
import { systemClock } from '../../ports/system-clock.ts'
import type { SourceHarness } from './harness.ts'
import { fixedFunctions, snapshotOf } from './surroundings.ts'
import { expectThat } from './waiting.ts'
import type { Waiting } from './waiting.ts'
import type { StateStore } from '../../contract/state-store.ts'

/** A delivery that came, with what the suite knows of it. */
export interface Received {
  readonly delivery: Delivery
  readonly text: string
  /** How the event looked when it was handed over. */
  readonly snapshot: string
  /** From 1: which session of the process gave it. */
  readonly session: number
  settled: boolean
}

/** How the runtime that the suite plays behaves in one case. */
export interface ProbeBehaviour {
  /** Called for each delivery, synchronously, as the runtime's own hand-over. */
  onEmit?(received: Received): void
  /** For spool sources. @default stores everything */
  accept?(delivery: Delivery): Promise<boolean>
  /** @default releases what is in hand */
  onRevoke?(intakes: readonly string[] | 'all', drainMs: number): Promise<void>
}

/** Plays one process: a source with the runtime around it. */
export class Probe {
  readonly source: Source
  readonly received: Received[] = []
  readonly behaviour: ProbeBehaviour = {}
  readonly #waiting: Waiting
  readonly #harness: SourceHarness
  readonly #abort = new AbortController()
  readonly #context: SourceContext
  #session: Session | undefined
  #sessions = 0
  #open = false
  #dead = false

  constructor(source: Source, harness: SourceHarness, waiting: Waiting, state: StateStore) {
    this.source = source
    this.#harness = harness
    this.#waiting = waiting
    this.#context = {
      functions: fixedFunctions(harness.functions),
      emit: (delivery) => this.#emit(delivery),
      accept: (delivery) => this.#accept(delivery),
      revoke: (intakes, drainMs) => this.#revoke(intakes, drainMs),
      reportProblems: () => {},
      state,
      metrics: noMetrics,
      clock: harness.clock ?? systemClock,
      draining: new AbortController().signal,
      signal: this.#abort.signal,
      logger: silentLogger,
    }
  }

  get session(): Session {
    expectThat(this.#session !== undefined, 'the case is connected')
    return this.#session
  }

  /** What is in hand: neither acknowledged nor released. */
  get inHand(): readonly Received[] {
    return this.received.filter((received) => !received.settled)
  }

  texts(from: number = 0): readonly string[] {
    return this.received.slice(from).map((received) => received.text)
  }

  async connect(): Promise<void> {
    this.#sessions++
    const session = await this.#waiting.within('connect()', () => this.source.connect(this.#context))
    this.#session = session
    this.#open = true
    void session.closed.then(() => (this.#open = false))
  }

  /** As the runtime after a loss: tries again until it works. */
  async reconnect(): Promise<void> {
    let failure: unknown
    await this.#waiting.until(
      () => `connect() works again (${String(failure)})`,
      async () => {
        try {
          await this.connect()
          return true
        } catch (error) {
          failure = error
          return false
        }
      },
    )
  }

  async arrived(count: number): Promise<void> {
    await this.#waiting.until(
      () => `${count} deliveries; got ${this.received.length}: ${this.texts().slice(-20).join(', ')}`,
      () => this.received.length >= count,
    )
  }

  async ack(received: Received, outcome: Settled = 'done'): Promise<void> {
    received.settled = true
    const target = { function: 'probe', attempts: 1 }
    const settlement: Settlement = { results: [{ target, outcome, ...(outcome === 'done' && { status: 200 }) }] }
    await this.#waiting.within('ack()', () => received.delivery.ack(settlement))
  }

  release(received: Received, reason: ReleaseReason): void {
    received.settled = true
    received.delivery.release(reason)
  }

  releaseAll(reason: ReleaseReason): void {
    for (const received of this.inHand) this.release(received, reason)
  }

  releaseIntakes(intakes: readonly string[] | 'all'): void {
    for (const received of this.inHand) {
      if (intakes === 'all' || intakes.includes(received.delivery.intake)) this.release(received, 'revoked')
    }
  }

  /** As the runtime does at the end: everything in hand is settled before. */
  async close(): Promise<void> {
    this.releaseAll('drain')
    this.#open = false
    await this.#waiting.within('close()', () => this.session.close())
  }

  abort(): void {
    this.#abort.abort()
  }

  /** The process is gone: what its source still says, nobody hears. */
  async die(): Promise<void> {
    this.#dead = true
    if (this.#harness.kill) await this.#harness.kill()
    else await this.#harness.disconnect?.()
  }

  /** After the case, whatever state it left. */
  async discard(): Promise<void> {
    this.#dead = true
    this.abort()
    if (this.#open) await this.#waiting.within('close()', () => this.#session?.close())
    await this.source.dispose?.()
  }

  #emit(delivery: Delivery): void {
    if (this.#dead) return
    const text = this.#harness.textOf?.(delivery) ?? new TextDecoder().decode(delivery.event.data)
    const received = { delivery, text, snapshot: snapshotOf(delivery), session: this.#sessions, settled: false }
    this.received.push(received)
    this.behaviour.onEmit?.(received)
  }

  async #revoke(intakes: readonly string[] | 'all', drainMs: number): Promise<void> {
    if (this.behaviour.onRevoke) await this.behaviour.onRevoke(intakes, drainMs)
    else this.releaseIntakes(intakes)
  }

  async #accept(delivery: Delivery): Promise<boolean> {
    const stored = this.behaviour.accept ? await this.behaviour.accept(delivery) : true
    // The runtime emits from its spool what it has stored.
    if (stored) this.#emit(delivery)
    return stored
  }
}
