import type { FailureCause } from '../../core/attempt.ts'
import { HttpParserError } from './http-pool.ts'

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
  if (!(error instanceof HttpParserError)) return false
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
