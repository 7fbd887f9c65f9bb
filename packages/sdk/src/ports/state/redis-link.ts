import type { Clock, Timer } from '../../contract/clock.ts'
import type { Logger } from '../../contract/logger.ts'
import { describeError, MillraceError } from '../../core/errors.ts'
import { RedisFault, type RedisConnection } from './redis-client.ts'
import { checkServer } from './redis-server-check.ts'
import { redisScripts } from './redis-scripts.ts'

export interface RedisLinkOptions {
  /** Makes one connection, or gives up when the signal aborts. */
  readonly open: (signal: AbortSignal) => Promise<RedisConnection>
  readonly clock: Clock
  readonly logger: Logger | undefined
  /** In [0, 1). */
  readonly random: () => number
  /** For messages, without a secret. */
  readonly address: string
  /** Of a whole attempt. */
  readonly connectMs: number
  /** Longest wait between attempts. */
  readonly maxWaitMs: number
}

const FIRST_WAIT_MS = 100
/** A connection that lived this long was a good one: the next loss starts with a short wait again. */
const GOOD_AFTER_MS = 10_000

/** After these replies the connection leads to a server that cannot serve: another one, or a later login, may. */
const useless: ReadonlySet<string> = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'MOVED', 'NOAUTH'])

/** A connection that is made again, with back-off and for ever, until `close()`. What needs one while there is none fails at once. */
export class RedisLink {
  readonly #options: RedisLinkOptions
  readonly #closing = new AbortController()
  readonly #warned = new Set<string>()
  #connection: RedisConnection | undefined
  #failures = 0
  #isDown = false
  #why = 'there is no connection yet'
  #timer: Timer | undefined

  constructor(options: RedisLinkOptions) {
    this.#options = options
  }

  /** Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    await this.#attempt()
  }

  /** @throws MillraceError `E_STATE_IO`, `E_STATE_CLOSED` */
  async run<T>(operation: string, use: (connection: RedisConnection) => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw new MillraceError('E_STATE_CLOSED')
    const connection = this.#connection
    if (connection === undefined) throw this.#error(operation, this.#why)
    try {
      return await use(connection)
    } catch (error) {
      if (error instanceof RedisFault && (error.reply === '' || useless.has(error.reply))) connection.drop()
      throw this.#error(operation, describeError(error, 300))
    }
  }

  close(): void {
    this.#closing.abort()
    this.#timer?.cancel()
    this.#connection?.drop()
  }

  #error(operation: string, reason: string): MillraceError {
    return new MillraceError('E_STATE_IO', { operation, reason: `Redis at ${this.#options.address}: ${reason}` })
  }

  async #attempt(): Promise<void> {
    const { open, clock, connectMs } = this.#options
    const late = new AbortController()
    const timer = clock.after(connectMs, () => late.abort(new RedisFault(`no answer within ${connectMs} ms`, '')))
    try {
      const connection = await open(AbortSignal.any([late.signal, this.#closing.signal]))
      await this.#prepare(connection).catch((error: unknown) => {
        connection.drop()
        throw error
      })
      this.#use(connection)
    } catch (error) {
      this.#failed(late.signal.aborted ? late.signal.reason : error)
    } finally {
      timer.cancel()
    }
  }

  /** @throws RedisFault when the server cannot be used */
  async #prepare(connection: RedisConnection): Promise<void> {
    const info = await connection.call('INFO').catch((error: unknown) => {
      // Not every user may ask; the first put says whether it can be used.
      if (error instanceof RedisFault && error.reply === 'NOPERM') return ''
      throw error
    })
    const { refusal, warnings } = checkServer(String(info))
    if (refusal !== undefined) throw new RedisFault(refusal, '')
    for (const warning of warnings) {
      if (this.#warned.has(warning)) continue
      this.#warned.add(warning)
      this.#options.logger?.warn(`state: ${warning}`, { address: this.#options.address })
    }
    await Promise.all(redisScripts.map(({ lua }) => connection.call('SCRIPT', 'LOAD', lua)))
  }

  #use(connection: RedisConnection): void {
    if (this.#closing.signal.aborted) return connection.drop()
    const { logger, address, clock } = this.#options
    if (this.#isDown) logger?.info('state: Redis is back', { address })
    this.#isDown = false
    this.#connection = connection
    const since = clock.monotonic()
    void connection.closed.then(() => {
      this.#connection = undefined
      if (clock.monotonic() - since >= GOOD_AFTER_MS) this.#failures = 0
      this.#failed(new RedisFault('the connection is lost', ''))
    })
  }

  /** One line for an outage; the attempts go on in silence. */
  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return
    const { clock, logger, random, address, maxWaitMs } = this.#options
    this.#why = describeError(error, 300)
    this.#failures++
    if (!this.#isDown) {
      this.#isDown = true
      logger?.warn('state: Redis cannot be reached; what needs it fails until it is back', { address, error: this.#why })
    }
    const wait = Math.min(maxWaitMs, FIRST_WAIT_MS * 2 ** Math.min(this.#failures - 1, 20)) * (0.5 + random() / 2)
    this.#timer = clock.after(wait, () => void this.#attempt())
  }
}
