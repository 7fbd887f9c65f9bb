import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'
import type { ErrorCode, ErrorContext } from '@millrace/sdk'

/** Who asked whom, for the messages. */
export interface ErrorPlace {
  /** `HOST:PORT` each, without credentials. */
  readonly brokers: string
  readonly vhost: string
  /** The user, or `(of the certificate)`. */
  readonly user: string
}

/** Reply codes of AMQP 0-9-1 (section 1.2, constants) that mean something to this connector. */
export const replyCodes: {
  readonly accessRefused: 403
  readonly connectionForced: 320
  readonly internalError: 541
  readonly notFound: 404
  readonly preconditionFailed: 406
  readonly resourceLocked: 405
} = {
  accessRefused: 403,
  connectionForced: 320,
  internalError: 541,
  notFound: 404,
  preconditionFailed: 406,
  resourceLocked: 405,
}

/** Codes of Node's TLS that are not written `ERR_TLS_*` or `ERR_SSL_*` (nodejs.org/api/tls.html, X509 certificate error codes). */
const tlsCodes =
  /^(?:CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|EPROTO$)/

const codeOf = (thrown: unknown): string | number => {
  const code = typeof thrown === 'object' && thrown !== null ? (thrown as { code?: unknown }).code : undefined
  return typeof code === 'string' || typeof code === 'number' ? code : ''
}

/** Node tries every address of a name, and says of their failures together nothing but a code. */
const reasonOf = (thrown: unknown): string =>
  thrown instanceof AggregateError && thrown.message === ''
    ? thrown.errors
        .slice(0, 4)
        .map((one) => describeError(one, 100))
        .join('; ')
    : describeError(thrown, 400)

const wrap = (code: ErrorCode, thrown: unknown, place: ErrorPlace, more: ErrorContext = {}): MillraceError =>
  new MillraceError(code, { ...place, reason: reasonOf(thrown), ...more }, thrown)

/** The reply code with which the broker closed a channel or connection; absent when it was not the broker. */
export const replyCodeOf = (thrown: unknown): number | undefined => {
  const cause = isMillraceError(thrown) ? thrown.cause : thrown
  const code = codeOf(cause)
  return typeof code === 'number' ? code : undefined
}

/**
 * Why a connection was not made. amqplib gives no codes for a handshake that the broker ends, only its own texts (lib/connection.js of
 * 2.3.1): these are looked at, they are the library's and not the broker's. What is not known is `E_RABBITMQ_UNREACHABLE`.
 */
export const translateConnect = (thrown: unknown, place: ErrorPlace): MillraceError => {
  if (isMillraceError(thrown)) return thrown
  const code = codeOf(thrown)
  const text = thrown instanceof Error ? thrown.message : ''
  if (typeof code === 'string' && tlsCodes.test(code)) return wrap('E_RABBITMQ_TLS', thrown, place)
  if (/^SASL mechanism |^Handshake terminated by server: 403 /.test(text)) return wrap('E_RABBITMQ_AUTHENTICATION', thrown, place)
  // The broker's answer to `open` is not shown by amqplib: 530 for an unknown vhost, one that is refused to the user, and for its limits.
  if (text.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) {
    return wrap('E_RABBITMQ_VHOST', thrown, place, { reason: 'it closed the connection instead' })
  }
  if (typeof code === 'number') return translateLoss(thrown, place)
  return wrap('E_RABBITMQ_UNREACHABLE', thrown, place)
}

/** Why a connection that stood is gone. */
export const translateLoss = (thrown: unknown, place: ErrorPlace): MillraceError => {
  if (isMillraceError(thrown)) return thrown
  return wrap('E_RABBITMQ_CONNECTION', thrown ?? new Error('it was closed from this side'), place)
}

/** By reply code; where the broker has one code for several things, by the fixed beginnings of its texts (rabbit_misc, rabbit_channel). */
const channelCode = (thrown: unknown, text: string): ErrorCode => {
  switch (codeOf(thrown)) {
    case replyCodes.accessRefused:
      return text.includes('in exclusive use') ? 'E_RABBITMQ_LOCKED' : 'E_RABBITMQ_DENIED'
    case replyCodes.notFound:
      return text.includes('no exchange') ? 'E_RABBITMQ_EXCHANGE_MISSING' : 'E_RABBITMQ_QUEUE_MISSING'
    case replyCodes.resourceLocked:
      return 'E_RABBITMQ_LOCKED'
    case replyCodes.preconditionFailed:
      return text.includes('delivery acknowledgement on channel') ? 'E_RABBITMQ_ACK_TIMEOUT' : 'E_RABBITMQ_PRECONDITION'
    case replyCodes.connectionForced:
    case replyCodes.internalError:
      return 'E_RABBITMQ_CONNECTION'
    default:
      return 'E_RABBITMQ_CHANNEL'
  }
}

/** What a call on a channel, or its loss, means. A total function: what is not known is `E_RABBITMQ_CHANNEL`. */
export const translateChannel = (thrown: unknown, place: ErrorPlace): MillraceError => {
  if (isMillraceError(thrown)) return thrown
  const text = thrown instanceof Error ? thrown.message : ''
  return wrap(channelCode(thrown, text), thrown, place)
}

/** amqplib has no other sign for it (lib/channel.js of 2.3.1). */
export const isNack = (thrown: unknown): boolean => thrown instanceof Error && thrown.message === 'message nacked'

/** The broker itself has said no to a message, as it does for a queue that is full: nothing was lost on the way, and asking again may help or not. */
export const isRefused = (error: unknown): boolean =>
  isMillraceError(error) && error.code === 'E_RABBITMQ_UNCONFIRMED' && isNack(error.cause)
