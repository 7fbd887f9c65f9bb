import type { Clock } from '../contract/clock.ts'
import type { Delivery } from '../contract/delivery.ts'
import type { Logger } from '../contract/logger.ts'
import type { Session, Source, SourceContext } from '../contract/source.ts'
import type { Engine } from '../core/delivery/engine.ts'
import { describeError } from '../core/errors.ts'
import { atMost } from './at-most.ts'
import { sleep } from './sleep.ts'

const firstWaitMs = 500
const maxWaitMs = 30_000
/** How long a source may take to leave. */
const closeMs = 10_000
/** A session that lived this long was a good one: the next loss starts with a short wait again. */
const goodAfterMs = 30_000

/** What the runner needs of the connector. */
export interface SourceRunnerOptions {
  readonly source: Source
  readonly engine: Engine
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** The rest of the context: everything but how deliveries enter. */
  readonly context: Omit<SourceContext, 'emit' | 'revoke' | 'notReady'>
  /** Aborts when the connector stops. */
  readonly signal: AbortSignal
  onConnected(): void
  /** What the session says of itself; `undefined`: nothing, it takes in. */
  onNotReady(reason: Error | undefined): void
  /** `retryMs` until the next try. */
  onLost(error: unknown, retryMs: number): void
}

/** Keeps a source connected: connects, hands pauses on, and connects again with back-off, for ever, until it is stopped. */
export class SourceRunner {
  readonly #options: SourceRunnerOptions
  #session: Session | undefined
  #running: Promise<void> | undefined

  constructor(options: SourceRunnerOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  pause(intake: string | undefined): void {
    this.#tell('pause', intake)
  }

  resume(intake: string | undefined): void {
    this.#tell('resume', intake)
  }

  /** The delivery core is in the middle of its books when it says so: what a session throws must not reach it. */
  #tell(what: 'pause' | 'resume', intake: string | undefined): void {
    try {
      this.#session?.[what](intake)
    } catch (error) {
      const { logger, source } = this.#options
      logger.error('a session threw when it was told to pause or to go on', {
        source: source.name,
        what,
        intake,
        error: describeError(error),
      })
    }
  }

  /** Last commit or ack, then leave; resolves when the session is closed. Only after the engine has released what was left. */
  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    const closing = (async (): Promise<void> => {
      try {
        await session?.close()
      } finally {
        await this.#running
      }
    })()
    // A source that hangs must not keep the process from ending: nothing is left to lose, all is acknowledged or released.
    await atMost(this.#options.clock, closeMs, closing)
  }

  async #run(): Promise<void> {
    const { clock, random, signal, context, source } = this.#options
    const longestMs = source.maxReconnectMs ?? maxWaitMs
    // During a drain a new session would only be given what it must give back.
    const isOver = (): boolean => signal.aborted || context.draining.aborted
    const shortestMs = Math.min(firstWaitMs, longestMs)
    let waitMs = shortestMs
    while (!isOver()) {
      const startedAt = clock.monotonic()
      const error = await this.#live()
      if (isOver()) return
      const tookMs = clock.monotonic() - startedAt
      if (tookMs >= goodAfterMs) waitMs = shortestMs
      const part = 0.5 + random() / 2
      // From one try to the next: a source that has waited for its broker in vain has done most of the waiting.
      const retryMs = Math.round(Math.max(waitMs * part - tookMs, shortestMs * part))
      this.#options.onLost(error, retryMs)
      // What that session said is said no more, and readiness is never true in between.
      this.#options.onNotReady(undefined)
      await sleep(clock, retryMs, signal)
      waitMs = Math.min(waitMs * 2, longestMs)
    }
  }

  /** One session from connect to its end; resolves with why it ended. */
  async #live(): Promise<unknown> {
    const { source, engine, signal, logger } = this.#options
    const life = { over: false }
    try {
      const session = await source.connect(this.#context(life))
      if (signal.aborted) {
        await session.close()
        return undefined
      }
      this.#session = session
      engine.restatePauses()
      this.#options.onConnected()
      const reason = await session.closed
      return reason ?? (signal.aborted ? undefined : new Error('the source closed its session by itself'))
    } catch (error) {
      logger.debug('connect failed', { error: describeError(error) })
      return error
    } finally {
      life.over = true
      this.#session = undefined
      // On a stop the connector has drained and released already; here the broker is gone with what it had given.
      if (!signal.aborted) await engine.revoke((intake) => !intake.owned, 0, 'lost')
    }
  }

  #context(life: { readonly over: boolean }): SourceContext {
    const { context, engine } = this.#options
    return {
      ...context,
      emit: (delivery: Delivery): void => {
        // A session that is over may still have something on its way; its broker gives it again.
        if (life.over) delivery.release('lost')
        else engine.accept(delivery)
      },
      notReady: (reason) => {
        if (!life.over) this.#options.onNotReady(reason)
      },
      revoke: (intakes, drainMs) => {
        if (life.over) return Promise.resolve()
        const names = intakes === 'all' ? undefined : new Set(intakes)
        return engine.revoke((intake) => !intake.owned && (names === undefined || names.has(intake.name)), drainMs, 'revoked')
      },
    }
  }
}
