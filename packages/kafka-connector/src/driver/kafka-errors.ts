import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'
import type { ErrorCode, ErrorContext } from '@millrace/sdk'

/** Who asked what of whom, for the messages. */
export interface ErrorPlace {
  readonly brokers: string
  /** The SASL user, or `anonymous`. */
  readonly user: string
  readonly group?: string
}

interface Cause {
  readonly name: string
  readonly type: string
  readonly code: string
}

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

/** The error with all that caused it, outermost first. kafkajs hides the telling one: under `cause`, under `errors`, once under both. */
const causesOf = (thrown: unknown): readonly Cause[] => {
  const causes: Cause[] = []
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 8 || causes.length > 32) return
    const error = value as { name?: unknown; type?: unknown; code?: unknown; cause?: unknown; errors?: unknown }
    causes.push({ name: textOf(error.name), type: textOf(error.type), code: textOf(error.code) })
    visit(error.cause, depth + 1)
    if (Array.isArray(error.errors)) for (const one of error.errors as readonly unknown[]) visit(one, depth + 1)
  }
  visit(thrown, 0)
  return causes
}

/** What our own parts threw inside the client (a codec, a token provider), under what the client made of it. */
const codedIn = (thrown: unknown): MillraceError | undefined => {
  let value = thrown
  for (let depth = 0; depth < 8; depth += 1) {
    if (isMillraceError(value)) return value
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as { cause?: unknown }).cause
  }
  return undefined
}

/** Codes of Node's TLS that are not written `ERR_TLS_*` or `ERR_SSL_*` (nodejs.org/api/tls.html, X509 certificate error codes). */
const tlsCodes =
  /^(?:CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|EPROTO$)/

const isAny = (causes: readonly Cause[], what: (cause: Cause) => boolean): boolean => causes.some(what)

const fencing: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'NOT_COORDINATOR_FOR_GROUP',
])

/** From the most telling to the least. By names and types, which are frozen with the library; never by message. */
const rules: readonly (readonly [ErrorCode, (causes: readonly Cause[]) => boolean])[] = [
  ['E_KAFKA_TOPIC_DENIED', (all) => isAny(all, ({ type }) => type === 'TOPIC_AUTHORIZATION_FAILED')],
  [
    'E_KAFKA_GROUP_DENIED',
    (all) => isAny(all, ({ type, name }) => type === 'GROUP_AUTHORIZATION_FAILED' || name === 'KafkaJSGroupCoordinatorNotFound'),
  ],
  [
    'E_KAFKA_AUTHENTICATION',
    (all) =>
      isAny(
        all,
        ({ type, name }) =>
          name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED' || type === 'ILLEGAL_SASL_STATE',
      ),
  ],
  ['E_KAFKA_TLS', (all) => isAny(all, ({ code }) => tlsCodes.test(code))],
  ['E_KAFKA_TOPIC_MISSING', (all) => isAny(all, ({ type }) => type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'INVALID_TOPIC_EXCEPTION')],
  [
    'E_KAFKA_RECORD',
    (all) =>
      isAny(
        all,
        ({ name, type }) => name === 'KafkaJSNotImplemented' || name === 'KafkaJSInvalidVarIntError' || type === 'CORRUPT_MESSAGE',
      ),
  ],
  [
    'E_KAFKA_UNREACHABLE',
    (all) =>
      isAny(
        all,
        ({ name, code }) =>
          /^KafkaJS(?:Connection(?:Closed)?Error|BrokerNotFound|NoBrokerAvailableError|RequestTimeoutError)$/.test(name) ||
          /^E(?:CONN|HOST|NET|TIMEDOUT|AI_|NOTFOUND)/.test(code),
      ),
  ],
]

const wrap = (code: ErrorCode, error: unknown, place: ErrorPlace, more: ErrorContext = {}): MillraceError =>
  new MillraceError(
    code,
    { ...place, group: place.group ?? '(none)', topic: '(one of them)', interval: 30, reason: describeError(error, 300), ...more },
    error,
  )

/**
 * What a thrown value of the client means, as a row of the error table. A total function: what is not known is `fallback`.
 */
export const translateError = (thrown: unknown, place: ErrorPlace, fallback: ErrorCode = 'E_KAFKA_REQUEST'): MillraceError => {
  const coded = codedIn(thrown)
  if (coded !== undefined) return coded
  const causes = causesOf(thrown)
  const code = rules.find(([, applies]) => applies(causes))?.[0] ?? fallback
  return wrap(code, thrown, place)
}

/** What a failed commit means: a join decides, or it is tried again. */
export const translateCommitError = (thrown: unknown, place: ErrorPlace): MillraceError => {
  if (isMillraceError(thrown)) return thrown
  return wrap(isAny(causesOf(thrown), ({ type }) => fencing.has(type)) ? 'E_KAFKA_COMMIT_FENCED' : 'E_KAFKA_COMMIT', thrown, place)
}

/** A bad topic among the topics of a request: kafkajs then throws for all of them. */
export const topicStateOf = (thrown: unknown): 'missing' | 'denied' | undefined => {
  const { code } = translateError(thrown, { brokers: '', user: '' })
  return code === 'E_KAFKA_TOPIC_MISSING' ? 'missing' : code === 'E_KAFKA_TOPIC_DENIED' ? 'denied' : undefined
}
