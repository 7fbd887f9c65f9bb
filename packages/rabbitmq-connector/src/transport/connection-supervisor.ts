import { MillraceError } from '@millrace/sdk'
import type { ErrorCode, Logger } from '@millrace/sdk'
import { translateConnect, translateLoss } from './amqp-errors.ts'
import type { AmqplibLink } from './amqplib-link.ts'
import { addressOf, defaultMaxDelayMs } from './connection-options.ts'
import type { BrokerAddress, ConnectionMaterial, ConnectionOptions } from './connection-options.ts'
import { RecoveringConnection } from './recovering-connection.ts'
import type { RecoveryOptions } from './recovering-connection.ts'
import type { AmqpConnection, AmqpLink, ConnectionRole } from './transport.ts'

interface Waiter {
  resolve(link: AmqpLink): void
  reject(error: Error): void
}

/** Between an attempt that was abandoned, or credentials that cannot be read, and the next one. */
const firstDelayMs = 200

/**
 * One connection at a time, made again for ever.
 *
 * amqplib's recovery makes the attempts. Around it: the next host after each failure, credentials read again after each loss and failure
 * (in the wait before the next attempt, which is 160 ms or longer; a reading that takes longer counts for the attempt after it), and a new
 * recovery where one is stuck or the certificates have changed.
 */
export class ConnectionSupervisor implements AmqpConnection {
  readonly address: string
  readonly #options: ConnectionOptions
  readonly #recovery: RecoveryOptions
  readonly #logger: Logger
  readonly #waiters: Set<Waiter> = new Set()
  #host = 0
  #links = 0
  #link: AmqplibLink | undefined
  #current: RecoveringConnection | undefined
  #failure: MillraceError | undefined
  /** Of the failure that was logged last: the same one is not logged again. */
  #told: ErrorCode | undefined
  #delayMs: number = firstDelayMs
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(role: ConnectionRole, options: ConnectionOptions, logger: Logger) {
    this.address = addressOf(options.hosts)
    this.#options = options
    this.#logger = logger
    this.#recovery = {
      vhost: options.vhost,
      heartbeatS: options.heartbeatS ?? 10,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      maxDelayMs: options.maxDelayMs ?? defaultMaxDelayMs,
      probeTimeoutMs: options.probeTimeoutMs ?? 5000,
      callTimeoutMs: 30_000,
      connectionName: `${options.connectionName ?? 'millrace'} ${role}`,
      brokers: this.address,
      host: () => this.#hostNow(),
    }
    void this.#open()
  }

  get reconnects(): number {
    return Math.max(0, this.#links - 1)
  }

  link(timeoutMs: number, signal?: AbortSignal): Promise<AmqpLink> {
    if (this.#closed) return Promise.reject(this.#error(new Error('this side has closed it')))
    if (signal?.aborted === true) return Promise.reject(this.#error(new Error('it is not waited for any more')))
    if (this.#link !== undefined) return Promise.resolve(this.#link)
    return new Promise((resolve, reject) => this.#wait(timeoutMs, signal, resolve, reject))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    for (const waiter of this.#waiters) waiter.reject(this.#error(new Error('this side has closed it')))
    await this.#current?.close(this.#options.closeTimeoutMs ?? 1000)
  }

  #hostNow(): BrokerAddress {
    const { hosts } = this.#options
    return hosts[this.#host % hosts.length] ?? { host: '', port: 0 }
  }

  #error(cause: Error): MillraceError {
    return translateLoss(cause, { brokers: this.address, vhost: this.#options.vhost, user: '' })
  }

  #wait(timeoutMs: number, signal: AbortSignal | undefined, resolve: (link: AmqpLink) => void, reject: (error: Error) => void): void {
    const end = (): void => {
      this.#waiters.delete(waiter)
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = {
      resolve(link) {
        end()
        resolve(link)
      },
      reject(error) {
        end()
        reject(error)
      },
    }
    const onAbort = (): void => waiter.reject(this.#error(new Error('it is not waited for any more')))
    const timer = setTimeout(() => waiter.reject(this.#failure ?? this.#noAnswer(timeoutMs)), timeoutMs)
    signal?.addEventListener('abort', onAbort)
    this.#waiters.add(waiter)
  }

  #noAnswer(ms: number): MillraceError {
    const place = { brokers: this.address, vhost: this.#options.vhost, user: '' }
    return new MillraceError('E_RABBITMQ_UNREACHABLE', { ...place, reason: `no connection stood within ${ms} ms` })
  }

  /** A new recovery with the credentials of now. */
  async #open(): Promise<void> {
    const material = await this.#material()
    if (this.#closed) return
    if (material === undefined) return this.#later()
    const current = new RecoveringConnection(
      material,
      this.#recovery,
      {
        onLink: (link) => this.#onLink(link),
        onFailed: (error) => this.#onFailed(error),
        onWaiting: () => void this.#refresh(current),
        onStuck: (error) => {
          this.#onFailed(error)
          this.#later()
        },
      },
      this.#logger,
    )
    this.#current = current
    await current.start()
  }

  #later(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#open(), this.#delayMs)
    this.#delayMs = Math.min(this.#delayMs * 2, this.#recovery.maxDelayMs)
  }

  async #material(): Promise<ConnectionMaterial | undefined> {
    try {
      return await this.#options.material()
    } catch (error) {
      this.#onFailed(translateConnect(error, { brokers: this.address, vhost: this.#options.vhost, user: '' }))
      return undefined
    }
  }

  async #refresh(current: RecoveringConnection): Promise<void> {
    const material = await this.#material()
    // What cannot be read now may be readable at the next attempt; until then the last ones count.
    if (material === undefined || this.#closed || current !== this.#current || this.#link !== undefined || current.update(material)) return
    this.#current = undefined
    current.abandon()
    await this.#open()
  }

  #onLink(link: AmqplibLink): void {
    if (this.#closed) return
    this.#links += 1
    this.#link = link
    this.#failure = undefined
    this.#told = undefined
    this.#delayMs = firstDelayMs
    const { host, port } = this.#hostNow()
    this.#logger.info('connected to RabbitMQ', { host, port, version: link.serverVersion, reconnects: this.reconnects })
    link.lost.addEventListener('abort', () => this.#onLost(link))
    for (const waiter of this.#waiters) waiter.resolve(link)
  }

  #onLost(link: AmqplibLink): void {
    if (this.#link !== link) return
    this.#link = undefined
    if (this.#closed) return
    this.#failure = translateLoss(link.lost.reason, { brokers: this.address, vhost: this.#options.vhost, user: '' })
    this.#tell(this.#failure)
  }

  #onFailed(error: MillraceError): void {
    if (this.#closed) return
    this.#failure = error
    this.#host = (this.#host + 1) % this.#options.hosts.length
    this.#tell(error)
  }

  /** Each kind of failure once: it is tried for ever. */
  #tell(error: MillraceError): void {
    const fields = { code: error.code, effect: error.effect, fix: error.fix }
    if (this.#told === error.code) return this.#logger.debug(error.message, fields)
    this.#told = error.code
    this.#logger.warn(error.message, fields)
  }
}
