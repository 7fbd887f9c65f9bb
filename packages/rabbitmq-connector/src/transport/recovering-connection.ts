import { describeError } from '@millrace/sdk'
import type { Logger, MillraceError } from '@millrace/sdk'
import { translateConnect } from './amqp-errors.ts'
import type { ErrorPlace } from './amqp-errors.ts'
import { AmqplibLink } from './amqplib-link.ts'
import type { LinkTimes } from './amqplib-link.ts'
import { connect, credentials } from './amqplib.ts'
import type { ChannelModel, Options, RecoveringChannelModel, SocketOptions } from './amqplib.ts'
import type { BrokerAddress, ConnectionMaterial, TlsMaterial } from './connection-options.ts'
import { userOf } from './connection-options.ts'
import { atMost } from './deadline.ts'
import { fenceFrames } from './fence-frames.ts'
import { guardSetup } from './guard-setup.ts'

/** What recovery is given, all compiled. Times in milliseconds. */
export interface RecoveryOptions extends LinkTimes {
  readonly vhost: string
  readonly heartbeatS: number
  readonly connectTimeoutMs: number
  readonly maxDelayMs: number
  readonly connectionName: string
  readonly brokers: string
  /** The broker of the next attempt. */
  readonly host: () => BrokerAddress
}

/** What recovery tells. */
export interface RecoveryHooks {
  /** A connection stands and has opened a channel. */
  onLink(link: AmqplibLink): void
  /** An attempt has failed; the next one follows by itself. */
  onFailed(error: MillraceError): void
  /** The next attempt is `delayMs` away: time to read the credentials again. */
  onWaiting(delayMs: number): void
  /** It does not come to an end of its own: it must be abandoned and another one opened. Called once. */
  onStuck(error: MillraceError): void
}

const tlsText = (tls: TlsMaterial | undefined): string =>
  tls === undefined ? '' : JSON.stringify([tls.ca, tls.cert, tls.key?.reveal(), tls.insecureSkipVerify === true])

const tlsOptions = ({ ca, cert, key, insecureSkipVerify }: TlsMaterial): SocketOptions => ({
  ...(ca !== undefined && { ca: [ca] }),
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key: key.reveal() }),
  ...(insecureSkipVerify === true && { rejectUnauthorized: false }),
})

/** How long after a loss recovery may take to announce its next attempt; it does so at once. */
const silenceMs = 1000

/**
 * A connection that amqplib's recovery keeps making, with its holes closed (docs/rabbitmq-faults.md): set-ups are guarded, an `error` always
 * has a listener, and what hangs is found by a watchdog and abandoned with its socket.
 *
 * amqplib reads the target anew at each attempt, so host, user and password are properties that look them up. TLS it takes once: other
 * certificates want another `RecoveringConnection`.
 */
export class RecoveringConnection {
  readonly #options: RecoveryOptions
  readonly #hooks: RecoveryHooks
  readonly #logger: Logger
  /** Destroys the socket, whatever state the handshake or amqplib is in. */
  readonly #sever: AbortController = new AbortController()
  #material: ConnectionMaterial
  #model: RecoveringChannelModel | undefined
  /** Stands, and is not yet recovery's. */
  #fresh: AmqplibLink | undefined
  #watchdog: NodeJS.Timeout | undefined
  #over = false

  constructor(material: ConnectionMaterial, options: RecoveryOptions, hooks: RecoveryHooks, logger: Logger) {
    this.#material = material
    this.#options = options
    this.#hooks = hooks
    this.#logger = logger
  }

  get place(): ErrorPlace {
    return { brokers: this.#options.brokers, vhost: this.#options.vhost, user: userOf(this.#material) }
  }

  /** Begins; never rejects: what fails is told to the hooks. */
  async start(): Promise<void> {
    const { maxDelayMs } = this.#options
    this.#watch(0)
    const model = await connect(this.#target(), {
      ...this.#socketOptions(),
      recovery: {
        initialDelay: Math.min(200, maxDelayMs),
        maxDelay: maxDelayMs,
        waitForConnect: false,
        setup: guardSetup((fresh, lost) => this.#setUp(fresh, lost)),
      },
    })
    this.#model = model
    // First of all: without it the first reset of a connection ends the process (hole 3).
    model.on('error', (error: Error) => this.#logger.debug('amqplib: error', { error: describeError(error) }))
    model.on('connect', (made: ChannelModel) => this.#onConnect(made))
    model.on('connect-failed', (error: Error) => this.#onFailed(error))
    model.on('reconnect-scheduled', ({ delay }: { delay: number }) => this.#onScheduled(delay))
    model.on('reconnect-failed', (error: Error) => this.#stuck(error))
    if (this.#over) void model.close()
  }

  /** Uses `material` from the next attempt on. False: it cannot, its TLS is another. */
  update(material: ConnectionMaterial): boolean {
    const isLogin = (material.login === 'external') === (this.#material.login === 'external')
    if (!isLogin || tlsText(material.tls) !== tlsText(this.#material.tls)) return false
    this.#material = material
    return true
  }

  /** Ends it, politely for at most `ms`; then the socket is destroyed. Never rejects. */
  async close(ms: number): Promise<void> {
    this.#end()
    if (this.#model !== undefined) await atMost(this.#model.close(), ms)
    this.#sever.abort()
  }

  /** Ends it at once. */
  abandon(): void {
    this.#end()
    this.#model?.close().catch(() => {})
    this.#sever.abort()
  }

  #end(): void {
    this.#over = true
    clearTimeout(this.#watchdog)
  }

  #target(): Options.Connect {
    const { host, vhost, heartbeatS } = this.#options
    const login = (): Exclude<ConnectionMaterial['login'], 'external'> | undefined =>
      this.#material.login === 'external' ? undefined : this.#material.login
    return {
      protocol: this.#material.tls === undefined ? 'amqp' : 'amqps',
      // amqplib unescapes it.
      vhost: encodeURIComponent(vhost),
      // 0 would switch heartbeats off, and with them the end of a dead link (amqplib 2.0).
      heartbeat: Math.max(1, Math.round(heartbeatS)),
      get hostname() {
        return host().host
      },
      get port() {
        return host().port
      },
      get username() {
        return login()?.username ?? ''
      },
      get password() {
        return login()?.password.reveal() ?? ''
      },
    }
  }

  #socketOptions(): SocketOptions {
    const { connectTimeoutMs, connectionName } = this.#options
    const { login, tls } = this.#material
    const options: SocketOptions & { signal: AbortSignal } = {
      // Without it a server that accepts and says nothing hangs the connection for ever, recovery included.
      timeout: connectTimeoutMs,
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: connectionName },
      ...(login === 'external' && { credentials: credentials.external() }),
      ...(tls !== undefined && tlsOptions(tls)),
      signal: this.#sever.signal,
    }
    return options
  }

  async #setUp(model: ChannelModel, lost: AbortSignal): Promise<void> {
    const link = new AmqplibLink(model, this.place, this.#logger, this.#options)
    if (!fenceFrames(model)) this.#logger.warn('amqplib is another one than 2.3.1: headers that are nested too deep will end connections')
    try {
      await link.probe()
    } catch (error) {
      // A link that stands and answers nothing is not waited for until its heartbeat gives up.
      if (!lost.aborted) this.#stuck(error)
      throw error
    }
    lost.throwIfAborted()
    this.#fresh = link
  }

  #onConnect(model: ChannelModel): void {
    const link = this.#fresh
    if (this.#over) return
    if (link === undefined || !link.isOver(model) || link.lost.aborted)
      return this.#stuck(new Error('amqplib has taken over a dead connection'))
    clearTimeout(this.#watchdog)
    // Recovery says at once when it tries again. If it does not, it has not noticed.
    link.lost.addEventListener('abort', () => this.#watch(silenceMs - this.#attemptMs))
    this.#hooks.onLink(link)
  }

  #onFailed(error: Error): void {
    if (!this.#over) this.#hooks.onFailed(translateConnect(error, this.place))
  }

  #onScheduled(delayMs: number): void {
    if (this.#over) return
    this.#watch(delayMs)
    this.#hooks.onWaiting(delayMs)
  }

  /** For the handshake amqplib's timeout counts from the last byte, so a peer that trickles would never end it; then the probe. */
  get #attemptMs(): number {
    return 2 * this.#options.connectTimeoutMs + 2 * this.#options.probeTimeoutMs
  }

  #watch(delayMs: number): void {
    if (this.#over) return
    clearTimeout(this.#watchdog)
    const ms = delayMs + this.#attemptMs
    this.#watchdog = setTimeout(() => this.#stuck(new Error(`an attempt to connect has not ended within ${ms} ms`)), ms)
  }

  #stuck(error: unknown): void {
    if (this.#over) return
    this.abandon()
    this.#hooks.onStuck(translateConnect(error, this.place))
  }
}
