import { buildConnector, Client, errors } from 'undici'
import { Fifo } from '../../core/fifo.ts'

/** What undici throws for an answer that is not HTTP; without a code. */
export const HttpParserError: typeof errors.HTTPParserError = errors.HTTPParserError

/** TLS towards the gateway. There is no switch that turns verification off. */
export interface GatewayTls {
  /** PEM. Replaces the system's authorities. */
  readonly ca?: string | readonly string[]
  /** PEM chain of the client certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
  /** Name to expect in the certificate. @default the host of the URL */
  readonly servername?: string
}

export interface HttpPoolOptions {
  /** Scheme, host and port. */
  readonly origin: string
  /** Most connections, each with one request at a time. */
  readonly connections: number
  /** DNS, TCP and TLS together. @default 10000 */
  readonly connectTimeoutMs?: number
  /** How long an idle connection is kept, unless the server says less. @default 10000 */
  readonly keepAliveMs?: number
  /** Response headers, all together. @default 65536 */
  readonly maxHeaderBytes?: number
  /** Longest wait for the headers of a response; 0: the caller's own deadline only. @default 0 */
  readonly headersTimeoutMs?: number
  /** Longest silence within a body; 0: the caller's own deadline only. @default 0 */
  readonly bodyTimeoutMs?: number
  readonly tls?: GatewayTls
}

/** Lower-case names; a repeated header is a list. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Ends a request that has begun; its connection is closed. */
export interface HttpController {
  abort(reason: Error): void
}

/** Callbacks of one request, in this order; the last one is `onResponseEnd` or `onResponseError`. */
export interface HttpHandler {
  /** Nobody waits for an answer any more: not sent if it has not been, and told nothing then. */
  readonly over: boolean
  onRequestStart(controller: HttpController): void
  /** Also for each 1xx. */
  onResponseStart(controller: HttpController, status: number, headers: IncomingHeaders): void
  onResponseData(controller: HttpController, chunk: Uint8Array): void
  onResponseEnd(): void
  onResponseError(controller: HttpController | null, error: unknown): void
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  /** Absolute path, already encoded. */
  readonly path: string
  /** Flat list of names and values. */
  readonly headers: string[]
  readonly body?: Uint8Array
}

/** Keep-alive connections to one origin. */
export interface HttpPool {
  /** Never throws: every failure goes to the handler. */
  dispatch(request: HttpRequest, handler: HttpHandler): void
  /** Closes every connection at once, also those that are being opened; what runs or waits fails. */
  destroy(): Promise<void>
}

/** A request that waits for a connection. */
interface Waiting {
  readonly request: HttpRequest
  readonly handler: HttpHandler
}

/** What a connection tells its pool. */
interface Owner {
  /** An answer has ended well. */
  ended(connection: Connection): void
  /** A request has failed. */
  failed(connection: Connection): void
  /** The server has closed a connection right behind an answer, without having said so in it, and a request was lost in between. */
  closedSilently(): void
}

/** How the end of a connection that the server has closed looks to a request that was just written. */
const closings: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * One connection and the request that runs on it. The client opens it with the first request, and again when it was lost.
 * It is the handler of all its requests, so that there is none to make per event.
 */
class Connection implements Omit<HttpHandler, 'over'> {
  readonly #client: Client
  readonly #owner: Owner
  #running: Waiting | undefined
  /** What runs was written: whether it arrived nobody knows. */
  #started = false
  #answered = false
  /** An answer has ended on the socket that is open: it may be dead already without our having seen it. */
  #used = false

  constructor(client: Client, owner: Owner) {
    this.#client = client
    this.#owner = owner
    client.on('disconnect', () => (this.#used = false))
  }

  send(waiting: Waiting): void {
    this.#running = waiting
    this.#started = false
    this.#answered = false
    this.#client.dispatch(waiting.request, this)
  }

  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  onRequestStart(controller: HttpController): void {
    this.#started = true
    this.#running?.handler.onRequestStart(controller)
  }

  onResponseStart(controller: HttpController, status: number, headers: IncomingHeaders): void {
    this.#answered = true
    this.#running?.handler.onResponseStart(controller, status, headers)
  }

  onResponseData(controller: HttpController, chunk: Uint8Array): void {
    this.#running?.handler.onResponseData(controller, chunk)
  }

  onResponseEnd(): void {
    const handler = this.#running?.handler
    this.#running = undefined
    this.#used = true
    // Before the caller is told: its next request goes out here, while this connection is the one in the caches.
    this.#owner.ended(this)
    try {
      handler?.onResponseEnd()
    } catch (error) {
      // Thrown on, the client would tell it to whom this connection belongs by now: another request.
      queueMicrotask(() => handler?.onResponseError(null, error))
    }
  }

  onResponseError(controller: HttpController | null, error: unknown): void {
    const running = this.#running
    if (running === undefined) return
    if (!this.#started && this.#used && !this.#client.destroyed) {
      // The socket died of something else before this request was written: a new one is opened for it, once.
      this.#used = false
      queueMicrotask(() => this.send(running))
      return
    }
    this.#running = undefined
    if (this.#started && this.#used && !this.#answered && closings.has((error as { readonly code?: unknown }).code))
      this.#owner.closedSilently()
    // The client is in the midst of failing what it had: what is sent now would fail with it.
    queueMicrotask(() => this.#owner.failed(this))
    running.handler.onResponseError(controller, error)
  }
}

/** What is asked of a socket that is not open yet. */
interface Opening {
  destroy(error: Error): unknown
}

/** A client's `destroy` forgets the socket that it is opening, and that one keeps the process alive until the connect time-out. */
class Connector {
  readonly #connect: buildConnector.connector
  readonly #opening = new Set<Opening>()

  constructor(connect: buildConnector.connector) {
    this.#connect = connect
  }

  readonly open: buildConnector.connector = (options, callback) => {
    // undici's types say nothing of it, but the socket is what comes back.
    const socket = this.#connect(options, (...result) => {
      this.#opening.delete(socket)
      callback(...result)
    }) as unknown as Opening
    this.#opening.add(socket)
  }

  /** What is not open yet is closed; its client must be destroyed already. */
  destroy(error: Error): void {
    for (const socket of this.#opening) socket.destroy(error)
  }
}

/** A server that closes silently behind every answer loses one request in so many. */
const carefulAnswers = 1000

/**
 * Why not undici's Pool: it looks at every connection for every request, makes an AsyncResource for each one that waits, and lets a
 * connection rest for a turn of the event loop more, which together cost a fifth of a call. That turn would show whether the server has
 * closed behind its answer; here it is taken only when one has been seen to do so.
 */
class ClientPool implements HttpPool, Owner {
  readonly #newClient: () => Client
  readonly #connector: Connector
  readonly #most: number
  readonly #all: Connection[] = []
  /** The last one that became free is the first one used, so that those beyond the need can time out. */
  readonly #idle: Connection[] = []
  /** Bounded by the callers: each has a bound of what it has in flight. */
  readonly #waiting = new Fifo<Waiting>()
  #destroyed: Error | undefined
  /** Answers after which the connection still rests for a moment. */
  #careful = 0

  constructor(newClient: () => Client, connector: Connector, most: number) {
    this.#newClient = newClient
    this.#connector = connector
    this.#most = most
  }

  dispatch(request: HttpRequest, handler: HttpHandler): void {
    if (this.#destroyed !== undefined) return handler.onResponseError(null, this.#destroyed)
    const connection = this.#idle.pop() ?? this.#open()
    if (connection === undefined) this.#waiting.push({ request, handler })
    else connection.send({ request, handler })
  }

  async destroy(): Promise<void> {
    this.#destroyed ??= new errors.ClientDestroyedError()
    for (let next = this.#next(); next !== undefined; next = this.#next()) next.handler.onResponseError(null, this.#destroyed)
    const ends = this.#all.map((connection) => connection.destroy())
    this.#connector.destroy(this.#destroyed)
    await Promise.all(ends)
  }

  ended(connection: Connection): void {
    if (this.#careful === 0) return this.#take(connection)
    this.#careful -= 1
    // For what is sent from there undici waits until it has looked at the socket once more.
    setImmediate(() => this.#take(connection))
  }

  failed(connection: Connection): void {
    this.#take(connection)
  }

  closedSilently(): void {
    this.#careful = carefulAnswers
  }

  #open(): Connection | undefined {
    if (this.#all.length >= this.#most) return undefined
    const connection = new Connection(this.#newClient(), this)
    this.#all.push(connection)
    return connection
  }

  /** A connection has become free. */
  #take(connection: Connection): void {
    const next = this.#next()
    if (next === undefined) this.#idle.push(connection)
    else connection.send(next)
  }

  /** The oldest request that is still wanted: one that has ended meanwhile is not worth a connection, which may have to be opened for it. */
  #next(): Waiting | undefined {
    let next = this.#waiting.shift()
    while (next?.handler.over === true) next = this.#waiting.shift()
    return next
  }
}

/**
 * A pool of HTTP/1.1 connections to one origin: no pipelining (a slow function would hold back others), no redirects, no decompression.
 * HTTP/2 is off because ALPN would serialise the first connects and Go's gateway serves h2 over TLS only.
 */
export const createHttpPool = (options: HttpPoolOptions): HttpPool => {
  const { ca, cert, key, servername } = options.tls ?? {}
  // One for all connections: it keeps the TLS sessions.
  const connector = new Connector(
    buildConnector({
      allowH2: false,
      timeout: options.connectTimeoutMs ?? 10_000,
      ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
    }),
  )
  const newClient = (): Client =>
    new Client(options.origin, {
      connect: connector.open,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: options.keepAliveMs ?? 10_000,
      maxHeaderSize: options.maxHeaderBytes ?? 65_536,
      headersTimeout: options.headersTimeoutMs ?? 0,
      bodyTimeout: options.bodyTimeoutMs ?? 0,
    })
  return new ClientPool(newClient, connector, options.connections)
}
