import { errors, Pool } from 'undici'
import type { FailureCause } from '../../core/attempt.ts'

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

/**
 * A pool of HTTP/1.1 connections to one origin: no pipelining (a slow function would hold back others), no redirects, no decompression.
 * HTTP/2 is off because ALPN would serialise the first connects and Go's gateway serves h2 over TLS only.
 */
export const createHttpPool = (options: HttpPoolOptions): HttpPool => {
  const { ca, cert, key, servername } = options.tls ?? {}
  const pool = new Pool(options.origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: options.keepAliveMs ?? 10_000,
    maxHeaderSize: options.maxHeaderBytes ?? 65_536,
    headersTimeout: options.headersTimeoutMs ?? 0,
    bodyTimeout: options.bodyTimeoutMs ?? 0,
    connect: {
      timeout: options.connectTimeoutMs ?? 10_000,
      ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
    },
  })
  return {
    dispatch(request, handler) {
      pool.dispatch(request, handler)
    },
    destroy: () => pool.destroy(),
  }
}

const causes: ReadonlyMap<string, FailureCause> = new Map<string, FailureCause>([
  ...[
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EACCES',
    'EPERM',
    'EMFILE',
    'ENFILE',
    'ENOBUFS',
  ].map((code) => [code, 'connect'] as const),
  ...['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'].map((code) => [code, 'dns'] as const),
  ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'].map((code) => [code, 'timeout'] as const),
  // HPE_INVALID_EOF_STATE and the length mismatch: the peer closed before the end of the body.
  ...[
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'UND_ERR_SOCKET',
    'UND_ERR_INFO',
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    'HPE_INVALID_EOF_STATE',
  ].map((code) => [code, 'reset'] as const),
  ...['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_INVALID_ARG'].map((code) => [code, 'malformed'] as const),
  // https://nodejs.org/api/tls.html#x509-certificate-error-codes
  ...[
    'CERT_CHAIN_TOO_LONG',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REJECTED',
    'CERT_REVOKED',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_FORMAT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
    'ERROR_IN_CERT_NOT_BEFORE_FIELD',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'PATH_LENGTH_EXCEEDED',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
    'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ].map((code) => [code, 'tls-identity'] as const),
])

const closedByUs: ReadonlySet<string> = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_ABORTED', 'UND_ERR_ABORT'])

const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null) return undefined
  const { code } = error as { readonly code?: unknown }
  if (typeof code === 'string') return code
  // Every address of the host failed: any of them tells.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined
}

/**
 * undici 8.12.4 gives its parser errors no code, so they are known by their brand. Without offending bytes it is the end of
 * the connection that came too soon.
 */
const isParserError = (error: unknown): boolean => {
  if (!(error instanceof errors.HTTPParserError)) return false
  const { data } = error as { readonly data?: unknown }
  return typeof data === 'string' && data !== ''
}

/**
 * What a failed request came to, by the code of the error, never by its text. `closed`: the pool was destroyed.
 * An unknown code counts as `reset`: something broke the connection, and trying again is safe.
 */
export const classifyFailure = (error: unknown): FailureCause | 'closed' => {
  const code = codeOf(error)
  if (code === undefined) return isParserError(error) ? 'malformed' : 'reset'
  if (closedByUs.has(code)) return 'closed'
  const known = causes.get(code)
  if (known !== undefined) return known
  if (code.startsWith('HPE_')) return 'malformed'
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') return 'tls'
  return code.startsWith('EAI_') ? 'dns' : 'reset'
}
