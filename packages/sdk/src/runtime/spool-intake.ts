import type { Clock } from '../contract/clock.ts'
import type { Delivery, Settlement } from '../contract/delivery.ts'
import type { Logger } from '../contract/logger.ts'
import type { Engine } from '../core/delivery/engine.ts'
import { describeError, isMillraceError } from '../core/errors.ts'
import { termsOf } from '../ports/spool/records.ts'
import type { PendingEvent, Spool } from '../ports/spool/spool.ts'
import { sleep } from './sleep.ts'

/** How often a replay looks whether there is room again. */
const roomEveryMs = 20
/** How soon a replay that failed is tried again: twice as long each time, up to the longest. */
const firstRetryMs = 1_000
const maxRetryMs = 60_000

/** Events of a source that nobody would give again: durable in the spool before they are accepted, replayed at start. */
export class SpoolIntake {
  readonly #spool: Spool
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #signal: AbortSignal

  constructor(spool: Spool, engine: Engine, clock: Clock, logger: Logger, signal: AbortSignal) {
    this.#spool = spool
    this.#engine = engine
    this.#clock = clock
    this.#logger = logger
    this.#signal = signal
  }

  /** @see SourceContext.accept */
  async accept(delivery: Delivery): Promise<boolean> {
    if (this.#signal.aborted || this.#engine.full(delivery.intake)) return false
    const entry = await this.#spool.accept(delivery.event, delivery.intake, delivery)
    if (entry === undefined) return false
    this.#deliver({ event: delivery.event, intake: delivery.intake, terms: delivery, entry }, delivery)
    return true
  }

  /**
   * Delivers what an earlier run accepted and did not settle, in order, as fast as there is room. Where the spool cannot be read it goes on
   * later where it stood: nobody else would give these events.
   */
  async replay(): Promise<void> {
    const progress = { events: 0, lastSeq: 0 }
    for (let waitMs = firstRetryMs; !this.#signal.aborted; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      try {
        await this.#replayAfter(progress)
        if (progress.events > 0) this.#logger.info('replayed what an earlier run had accepted', { events: progress.events })
        return
      } catch (error) {
        this.#logger.error('the spool could not be replayed to its end; the rest is tried again', {
          ...(isMillraceError(error) && { code: error.code, fix: error.fix }),
          error: describeError(error),
          replayed: progress.events,
          retry_ms: waitMs,
        })
        await sleep(this.#clock, waitMs, this.#signal)
      }
    }
  }

  async #replayAfter(progress: { events: number; lastSeq: number }): Promise<void> {
    for await (const found of this.#spool.pending()) {
      const { intake, entry } = found
      if (entry.seq <= progress.lastSeq) continue
      while (this.#engine.full(intake) && !this.#signal.aborted) await sleep(this.#clock, roomEveryMs, this.#signal)
      if (this.#signal.aborted) return
      this.#deliver(found, undefined)
      progress.events += 1
      progress.lastSeq = entry.seq
    }
  }

  #deliver({ event, intake, terms, entry }: PendingEvent, source: Delivery | undefined): void {
    this.#engine.accept(
      {
        event,
        intake,
        ...termsOf(terms),
        ack: (settlement: Settlement) => {
          this.#spool.settle(entry)
          return source?.ack(settlement)
        },
        // It stays in the spool, which is what "comes again" means here.
        release: (reason) => source?.release(reason),
      },
      'owned',
    )
  }
}
