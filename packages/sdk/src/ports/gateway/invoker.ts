import type { Clock } from '../../contract/clock.ts'
import type { AttemptRequest, AttemptResult, FailureCause, Invoker } from '../../core/attempt.ts'
import { describeError } from '../../core/errors.ts'
import type { HeaderCodec } from '../../core/headers/codec.ts'
import { Deadlines } from './deadlines.ts'
import type { Expiring } from './deadlines.ts'
import { functionPaths } from './function-paths.ts'
import { parseGatewayUrl } from './gateway-url.ts'
import { classifyFailure } from './classify-failure.ts'
import { createHttpPool } from './http-pool.ts'
import type { GatewayTls, HttpController, HttpHandler, HttpPool, IncomingHeaders } from './http-pool.ts'
import { ReplyCollector } from './reply-collector.ts'

export interface InvokerOptions {
  /** The gateway, with a path prefix if it has one, e.g. `http://gateway:8080`. */
  readonly url: string
  /** Makes the headers of each request. */
  readonly headers: HeaderCodec
  readonly clock: Clock
  /** Most connections, each with one request at a time: at least the requests in flight. @default 256 */
  readonly connections?: number
  /** DNS, TCP and TLS of a new connection; an attempt's own timeout counts on top. @default 10000 */
  readonly connectTimeoutMs?: number
  /** Longest wait for response headers; 0: the attempt's timeout alone. @default 0 */
  readonly headersTimeoutMs?: number
  /** Longest silence within a response body; 0: the attempt's timeout alone. @default 0 */
  readonly bodyTimeoutMs?: number
  /** How long an idle connection is kept. @default 10000 */
  readonly keepAliveMs?: number
  /** Most of a reply's body that is read; beyond it the connection is closed and the status decides (P9). @default 1048576 */
  readonly maxReplyBytes?: number
  readonly tls?: GatewayTls
}

/** Interim responses before one counts as malformed. */
const maxInterim = 16
const maxDetail = 300

/** The reason that our own end of a request gives to the HTTP client; its result is already known. */
const stopped = new Error('ended by the invoker')

interface Shared {
  readonly pool: HttpPool
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly maxReplyBytes: number
}

/** One attempt: the HTTP client's handler, the deadline's entry and the caller's handle in one object, since there is one per event. */
class Call implements HttpHandler, Expiring {
  slot = 0
  readonly #shared: Shared
  readonly #startedAt: number
  readonly #request: AttemptRequest
  #done: ((result: AttemptResult) => void) | undefined
  #controller: HttpController | undefined
  #collector: ReplyCollector | undefined
  #interim = 0
  #returned = false

  constructor(shared: Shared, request: AttemptRequest, done: (result: AttemptResult) => void) {
    this.#shared = shared
    this.#request = request
    this.#done = done
    this.#startedAt = shared.clock.monotonic()
  }

  start(path: string | undefined, headers: HeaderCodec): void {
    const { event, attempt, contentType, timeoutMs } = this.#request
    this.#shared.deadlines.add(this, this.#startedAt, timeoutMs)
    if (path === undefined) this.#fail('malformed', 'the function name is not on the allow-list, nothing was sent')
    else {
      const list = headers.encode(event, attempt, contentType)
      this.#shared.pool.dispatch({ method: 'POST', path, headers: list, body: event.data }, this)
    }
    this.#returned = true
  }

  abort(): void {
    this.#returned = false
    this.#end({ kind: 'aborted' })
    this.#returned = true
  }

  expired(): void {
    this.#fail('timeout', `no complete response within ${this.#request.timeoutMs} ms`)
  }

  get over(): boolean {
    return this.#done === undefined
  }

  onRequestStart(controller: HttpController): void {
    // Ended while it waited for a connection. A throw ends it here and, unlike abort, keeps the connection.
    if (this.#done === undefined) throw stopped
    this.#controller = controller
  }

  onResponseStart(_controller: HttpController, status: number, headers: IncomingHeaders): void {
    if (this.#done === undefined) return
    if (status < 200) {
      this.#interim += 1
      if (this.#interim > maxInterim) this.#fail('malformed', `more than ${maxInterim} interim responses`)
      return
    }
    const { wantReply, async } = this.#request
    this.#collector = new ReplyCollector(status, headers, wantReply, async, this.#shared.maxReplyBytes)
  }

  onResponseData(_controller: HttpController, chunk: Uint8Array): void {
    if (this.#collector?.take(chunk) === false) this.#respond(this.#collector)
  }

  onResponseEnd(): void {
    this.#controller = undefined
    if (this.#collector === undefined) this.#fail('malformed', 'the response ended before it began')
    else this.#respond(this.#collector)
  }

  onResponseError(_controller: HttpController | null, error: unknown): void {
    this.#controller = undefined
    if (this.#done === undefined) return
    const cause = classifyFailure(error)
    if (cause === 'closed') this.#end({ kind: 'aborted' })
    else this.#fail(cause, describeError(error, maxDetail))
  }

  #respond(collector: ReplyCollector): void {
    if (this.#done !== undefined) this.#end({ kind: 'response', reply: collector.reply(), durationMs: this.#elapsed() })
  }

  #fail(cause: FailureCause, detail: string): void {
    this.#end({ kind: 'failure', cause, detail, durationMs: this.#elapsed() })
  }

  #elapsed(): number {
    return this.#shared.clock.monotonic() - this.#startedAt
  }

  /** The only way out: tells the result once, and closes the connection if the response is not at its end. */
  #end(result: AttemptResult): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.#collector = undefined
    this.#shared.deadlines.delete(this)
    const controller = this.#controller
    this.#controller = undefined
    controller?.abort(stopped)
    if (this.#returned) tell(done, result)
    else queueMicrotask(() => tell(done, result))
  }
}

/** What `done` throws is a fault of the delivery core: it must not reach the HTTP client, which would take it for its own. */
const tell = (done: (result: AttemptResult) => void, result: AttemptResult): void => {
  try {
    done(result)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/**
 * The one way to call functions: `POST {prefix}/function/NAME[.NS]`, or `/async-function/`. It follows no redirect, sends no credentials
 * and leaves the gateway's origin for nothing that comes from outside.
 *
 * `done` is called once per attempt: at the response's end, at the body cap, at the failure or at the attempt's timeout (up to 20 ms late),
 * and never from within `invoke` or `abort`. An attempt that ends early closes its connection.
 *
 * @throws MillraceError `E_GATEWAY_URL`
 */
export const createInvoker = (options: InvokerOptions): Invoker & { close(): Promise<void> } => {
  const gateway = parseGatewayUrl(options.url)
  const pool = createHttpPool({
    origin: gateway.origin,
    connections: options.connections ?? 256,
    ...(options.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: options.connectTimeoutMs }),
    ...(options.headersTimeoutMs === undefined ? {} : { headersTimeoutMs: options.headersTimeoutMs }),
    ...(options.bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs: options.bodyTimeoutMs }),
    ...(options.keepAliveMs === undefined ? {} : { keepAliveMs: options.keepAliveMs }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  })
  const { clock, headers } = options
  const deadlines = new Deadlines(clock)
  const shared: Shared = { pool, clock, deadlines, maxReplyBytes: options.maxReplyBytes ?? 1_048_576 }
  const syncPath = functionPaths(gateway, 'function')
  const asyncPath = functionPaths(gateway, 'async-function')
  return {
    invoke(request, done) {
      const call = new Call(shared, request, done)
      call.start(request.async ? asyncPath(request.function) : syncPath(request.function), headers)
      return call
    },
    /** What still runs ends as `aborted`. */
    async close() {
      for (const call of deadlines.waiting()) (call as Call).abort()
      await pool.destroy()
    },
  }
}
