import { buildConnector, Client, errors } from 'undici'
import { Fifo } from '../../core/fifo.ts'

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
  /** Closes every connection at once; what runs fails. */
  destroy(): Promise<void>
}

/** A request that waits for a connection. */
interface Waiting {
  readonly request: HttpRequest
  readonly handler: HttpHandler
}

/**
 * One connection and the request that runs on it. The client opens it with the first request, and again when it was lost.
 * It is the handler of all its requests, so that there is none to make per event.
 */
class Connection implements HttpHandler {
  readonly #client: Client
  readonly #free: (connection: Connection) => void
  #handler: HttpHandler | undefined

  constructor(client: Client, free: (connection: Connection) => void) {
    this.#client = client
    this.#free = free
  }

  send(request: HttpRequest, handler: HttpHandler): void {
    this.#handler = handler
    this.#client.dispatch(request, this)
  }

  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  onRequestStart(controller: HttpController): void {
    this.#handler?.onRequestStart(controller)
  }

  onResponseStart(controller: HttpController, status: number, headers: IncomingHeaders): void {
    this.#handler?.onResponseStart(controller, status, headers)
  }

  onResponseData(controller: HttpController, chunk: Uint8Array): void {
    this.#handler?.onResponseData(controller, chunk)
  }

  onResponseEnd(): void {
    const handler = this.#handler
    this.#handler = undefined
    // Before the caller is told: its next request goes out here, while this connection is the one in the caches.
    this.#free(this)
    handler?.onResponseEnd()
  }

  onResponseError(controller: HttpController | null, error: unknown): void {
    const handler = this.#handler
    if (handler === undefined) return
    this.#handler = undefined
    // The client is in the midst of failing what it had: what is sent now would fail with it.
    queueMicrotask(() => this.#free(this))
    handler.onResponseError(controller, error)
  }
}

/**
 * Why not undici's Pool: it looks at every connection for every request, makes an AsyncResource for each one that waits, and lets a
 * connection rest for a turn of the event loop more, which together cost a fifth of a call.
 */
class ClientPool implements HttpPool {
  readonly #newClient: () => Client
  readonly #most: number
  readonly #all: Connection[] = []
  /** The last one that became free is the first one used, so that those beyond the need can time out. */
  readonly #idle: Connection[] = []
  /** Bounded by the callers: each has a bound of what it has in flight. */
  readonly #waiting = new Fifo<Waiting>()
  #destroyed: Error | undefined

  constructor(newClient: () => Client, most: number) {
    this.#newClient = newClient
    this.#most = most
  }

  dispatch(request: HttpRequest, handler: HttpHandler): void {
    if (this.#destroyed !== undefined) return handler.onResponseError(null, this.#destroyed)
    const connection = this.#idle.pop() ?? this.#open()
    if (connection === undefined) this.#waiting.push({ request, handler })
    else connection.send(request, handler)
  }

  async destroy(): Promise<void> {
    this.#destroyed ??= new errors.ClientDestroyedError()
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next.handler.onResponseError(null, this.#destroyed)
    await Promise.all(this.#all.map((connection) => connection.destroy()))
  }

  #open(): Connection | undefined {
    if (this.#all.length >= this.#most) return undefined
    const connection = new Connection(this.#newClient(), (free) => this.#take(free))
    this.#all.push(connection)
    return connection
  }

  /** A connection has become free. */
  #take(connection: Connection): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(connection)
    else connection.send(next.request, next.handler)
  }
}

/**
 * A pool of HTTP/1.1 connections to one origin: no pipelining (a slow function would hold back others), no redirects, no decompression.
 * HTTP/2 is off because ALPN would serialise the first connects and Go's gateway serves h2 over TLS only.
 */
export const createHttpPool = (options: HttpPoolOptions): HttpPool => {
  const { ca, cert, key, servername } = options.tls ?? {}
  // One for all connections: it keeps the TLS sessions.
  const connect = buildConnector({
    allowH2: false,
    timeout: options.connectTimeoutMs ?? 10_000,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  })
  const newClient = (): Client =>
    new Client(options.origin, {
      connect,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: options.keepAliveMs ?? 10_000,
      maxHeaderSize: options.maxHeaderBytes ?? 65_536,
      headersTimeout: options.headersTimeoutMs ?? 0,
      bodyTimeout: options.bodyTimeoutMs ?? 0,
    })
  return new ClientPool(newClient, options.connections)
}
