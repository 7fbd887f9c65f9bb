import { describeError, MillraceError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'
import type { Secret } from '../../core/secret.ts'
import type { ListedFunction } from '../../core/topics/listed-function.ts'
import { isNamespaceName } from '../../core/topics/names.ts'
import { version } from '../../core/version.ts'
import { decodeFunctions, decodeInfo, decodeNamespaces, UnexpectedShape } from './decode.ts'
import type { GatewayInfo } from './decode.ts'
import { parseGatewayUrl } from './gateway-url.ts'
import { createHttpPool } from './http-pool.ts'
import type { GatewayTls } from './http-pool.ts'
import { httpGet, HttpGetError } from './http-get.ts'
import type { HttpAnswer } from './http-get.ts'

/** Basic authentication of `/system/*`. */
export interface GatewayCredentials {
  readonly user: string
  readonly password: string | Secret
}

export interface GatewayClientOptions {
  /** The gateway, with a path prefix if it has one. */
  readonly url: string
  /** Asked before each call, so that rotated files are seen. Absent, or `undefined` from it: none are sent. */
  readonly credentials?: () => Promise<GatewayCredentials | undefined>
  /** One call, to the last byte. @default 30000 */
  readonly timeoutMs?: number
  /** Largest answer. @default 67108864 */
  readonly maxBytes?: number
  readonly tls?: GatewayTls
}

/** The gateway's `/system` API, as far as a connector needs it. Every method but `ready` throws the errors `E_GATEWAY_*`. */
export interface GatewayClient {
  /** Empty on gateways that know none. */
  listNamespaces(signal?: AbortSignal): Promise<readonly string[]>
  /** Functions of one namespace, or without one of the gateway's default. */
  listFunctions(namespace?: string, signal?: AbortSignal): Promise<readonly ListedFunction[]>
  info(signal?: AbortSignal): Promise<GatewayInfo>
  /** True when gateway and provider answer `/healthz` with 200. Never rejects. */
  ready(signal?: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

const codes: Readonly<Record<HttpGetError['reason'], ErrorCode>> = {
  connect: 'E_GATEWAY_UNREACHABLE',
  dns: 'E_GATEWAY_UNREACHABLE',
  reset: 'E_GATEWAY_UNREACHABLE',
  tls: 'E_GATEWAY_TLS',
  'tls-identity': 'E_GATEWAY_TLS',
  timeout: 'E_GATEWAY_TIMEOUT',
  malformed: 'E_GATEWAY_MALFORMED',
  'too-large': 'E_GATEWAY_TOO_LARGE',
  closed: 'E_GATEWAY_CLOSED',
}

const authorization = ({ user, password }: GatewayCredentials): string => {
  const plain = typeof password === 'string' ? password : password.reveal()
  return `Basic ${Buffer.from(`${user}:${plain}`, 'utf8').toString('base64')}`
}

/** The beginning of an error's body, fit for a log: it is the gateway's own words or some proxy's page. */
const wordsOf = (answer: HttpAnswer): string => printable(answer.body.toString('utf8').trim(), 160) || 'no body'

class Client implements GatewayClient {
  readonly #options: GatewayClientOptions
  readonly #base: string
  readonly #prefix: string
  readonly #pool: ReturnType<typeof createHttpPool>
  readonly #timeoutMs: number
  readonly #maxBytes: number

  constructor(options: GatewayClientOptions) {
    const { origin, prefix } = parseGatewayUrl(options.url)
    this.#options = options
    this.#base = origin
    this.#prefix = prefix
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#maxBytes = options.maxBytes ?? 67_108_864
    this.#pool = createHttpPool({ origin, connections: 4, ...(options.tls === undefined ? {} : { tls: options.tls }) })
  }

  listNamespaces(signal?: AbortSignal): Promise<readonly string[]> {
    return this.#system('/system/namespaces', decodeNamespaces, signal)
  }

  async listFunctions(namespace?: string, signal?: AbortSignal): Promise<readonly ListedFunction[]> {
    if (namespace !== undefined && !isNamespaceName(namespace)) {
      throw new MillraceError('E_GATEWAY_MALFORMED', {
        url: this.#url('/system/namespaces'),
        what: `${printable(namespace, 80)} cannot be the name of a namespace`,
      })
    }
    const query = namespace === undefined ? '' : `?namespace=${encodeURIComponent(namespace)}`
    return this.#system(`/system/functions${query}`, (body) => decodeFunctions(body, namespace), signal)
  }

  info(signal?: AbortSignal): Promise<GatewayInfo> {
    return this.#system('/system/info', decodeInfo, signal)
  }

  async ready(signal?: AbortSignal): Promise<boolean> {
    try {
      return (await this.#get('/healthz', ['User-Agent', `millrace/${version}`], signal)).status === 200
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  #url(path: string): string {
    return `${this.#base}${this.#prefix}${path}`
  }

  /** The only calls that carry the credentials. */
  async #system<T>(path: string, decode: (body: Uint8Array) => T, signal: AbortSignal | undefined): Promise<T> {
    const headers = ['User-Agent', `millrace/${version}`, 'Accept', 'application/json']
    const credentials = await this.#options.credentials?.()
    if (credentials !== undefined) headers.push('Authorization', authorization(credentials))
    const answer = await this.#get(path, headers, signal)
    const { status } = answer
    if (status !== 200) {
      const code = status === 401 || status === 403 ? 'E_GATEWAY_AUTH' : 'E_GATEWAY_STATUS'
      throw new MillraceError(code, { url: this.#url(path), status, answer: wordsOf(answer) })
    }
    try {
      return decode(answer.body)
    } catch (error) {
      if (!(error instanceof UnexpectedShape)) throw error
      throw new MillraceError('E_GATEWAY_MALFORMED', { url: this.#url(path), what: error.message }, error)
    }
  }

  async #get(path: string, headers: string[], signal: AbortSignal | undefined): Promise<HttpAnswer> {
    try {
      return await httpGet(this.#pool, {
        path: `${this.#prefix}${path}`,
        headers,
        timeoutMs: this.#timeoutMs,
        maxBytes: this.#maxBytes,
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      if (!(error instanceof HttpGetError)) throw error
      const context = { url: this.#url(path), what: describeError(error, 200), ms: this.#timeoutMs, max: this.#maxBytes }
      throw new MillraceError(codes[error.reason], context, error)
    }
  }
}

/**
 * A client of one gateway. Basic auth goes to `/system/*` alone, no redirect is followed, nothing is unpacked.
 *
 * @throws MillraceError `E_GATEWAY_URL`
 */
export const createGatewayClient = (options: GatewayClientOptions): GatewayClient => new Client(options)
