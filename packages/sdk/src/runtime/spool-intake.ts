import type { Clock } from '../contract/clock.ts'
import type { Delivery, Settlement } from '../contract/delivery.ts'
import type { Logger } from '../contract/logger.ts'
import type { MillraceEvent } from '../contract/event.ts'
import type { Engine } from '../core/delivery/engine.ts'
import { describeError } from '../core/errors.ts'
import type { Spool, SpoolEntry } from '../ports/spool/spool.ts'
import { sleep } from './sleep.ts'

/** How often a replay looks whether there is room again. */
const roomEveryMs = 20

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
    const entry = await this.#spool.accept(delivery.event, delivery.intake)
    if (entry === undefined) return false
    this.#deliver(delivery.event, delivery.intake, entry, delivery)
    return true
  }

  /** Delivers what an earlier run accepted and did not settle, in order, as fast as there is room. */
  async replay(): Promise<void> {
    let count = 0
    try {
      for await (const { event, intake, entry } of this.#spool.pending()) {
        while (this.#engine.full(intake) && !this.#signal.aborted) await sleep(this.#clock, roomEveryMs, this.#signal)
        if (this.#signal.aborted) return
        this.#deliver(event, intake, entry, undefined)
        count += 1
      }
      if (count > 0) this.#logger.info('replayed what an earlier run had accepted', { events: count })
    } catch (error) {
      this.#logger.error('the spool could not be replayed to its end; the rest is replayed at the next start', {
        error: describeError(error),
        replayed: count,
      })
    }
  }

  #deliver(event: MillraceEvent, intake: string, entry: SpoolEntry, source: Delivery | undefined): void {
    this.#engine.accept(
      {
        event,
        intake,
        ...(source?.targets !== undefined && { targets: source.targets }),
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
