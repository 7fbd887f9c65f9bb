import type { FailureCause } from '../../core/attempt.ts'
import { classifyFailure } from './classify-failure.ts'
import type { HttpController, HttpHandler, HttpPool, IncomingHeaders } from './http-pool.ts'

export interface HttpGet {
  /** Absolute path with query, already encoded. */
  readonly path: string
  /** Flat list of names and values. */
  readonly headers: string[]
  /** The whole request, to the last byte of the body. */
  readonly timeoutMs: number
  /** Most of the body; the count runs while it streams in. */
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHeaders
  readonly body: Buffer
}

/** No answer came of a request. */
export class HttpGetError extends Error {
  override readonly name: string = 'HttpGetError'
  /** `closed`: stopped by the signal or by closing the pool. */
  readonly reason: FailureCause | 'too-large' | 'closed'

  constructor(reason: FailureCause | 'too-large' | 'closed', cause?: unknown) {
    super(cause instanceof Error ? cause.message : reason, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

/** Enough of an error's body to say what it was. */
const errorBytes = 1024

class Get implements HttpHandler {
  readonly #options: HttpGet
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (error: HttpGetError) => void
  readonly #timer: NodeJS.Timeout
  #controller: HttpController | undefined
  #status = 0
  #headers: IncomingHeaders = {}
  #chunks: Uint8Array[] = []
  #bytes = 0
  #interim = 0
  #over = false

  constructor(options: HttpGet, resolve: (answer: HttpAnswer) => void, reject: (error: HttpGetError) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#fail('timeout'), options.timeoutMs)
    options.signal?.addEventListener('abort', this.#stop)
  }

  readonly #stop = (): void => this.#fail('closed')

  get over(): boolean {
    return this.#over
  }

  onRequestStart(controller: HttpController): void {
    this.#controller = controller
    if (this.#over) throw new HttpGetError('closed')
  }

  onResponseStart(_controller: HttpController, status: number, headers: IncomingHeaders): void {
    if (status < 200) {
      this.#interim += 1
      if (this.#interim > 16) this.#fail('malformed')
      return
    }
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: HttpController, chunk: Uint8Array): void {
    if (this.#over) return
    this.#bytes += chunk.byteLength
    if (this.#status !== 200 && this.#bytes > errorBytes) {
      this.#chunks.push(chunk.subarray(0, errorBytes))
      this.#finish()
    } else if (this.#bytes > this.#options.maxBytes) this.#fail('too-large')
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#controller = undefined
    if (this.#status === 0) this.#fail('malformed')
    else this.#finish()
  }

  onResponseError(_controller: HttpController | null, error: unknown): void {
    this.#controller = undefined
    this.#fail(classifyFailure(error), error)
  }

  #finish(): void {
    if (!this.#end()) return
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  #fail(reason: FailureCause | 'too-large' | 'closed', cause?: unknown): void {
    if (this.#end()) this.#reject(new HttpGetError(reason, cause))
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#stop)
    this.#controller?.abort(new Error('ended by the client'))
    return true
  }
}

/**
 * One GET. Follows no redirect and unpacks nothing.
 *
 * @throws HttpGetError when there is no complete response
 */
export const httpGet = (pool: HttpPool, options: HttpGet): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) reject(new HttpGetError('closed'))
    else pool.dispatch({ method: 'GET', path: options.path, headers: options.headers }, new Get(options, resolve, reject))
  })
