import { pino } from 'pino'
import type { DestinationStream, Logger as Pino } from 'pino'
import type { LogFields, Logger } from '../../contract/logger.ts'
import { describeError, isMillraceError } from '../../core/errors.ts'
import { redacted, Secret } from '../../core/secret.ts'
import { consoleLine } from './console-line.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Where lines go, each with its newline. */
export interface LogDestination {
  write(line: string): unknown
}

/** What `createLogger` takes. */
export interface LoggerOptions {
  /** @default 'info' */
  readonly level?: LogLevel
  /** `json`: one object a line; `console`: lines for people. @default 'json' */
  readonly encoding?: 'json' | 'console'
  /** @default standard output */
  readonly destination?: LogDestination
  /** Fields of every line. */
  readonly base?: LogFields
}

/** Fields that hold secrets wherever they stand. The `Secret` type is the rule; this is for what slips past it. */
const secretFields =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|password|passwd|passphrase|secret|token|access_token|refresh_token|api[-_]?key|private[-_]?key|sasl)$/i

/** Event data never belongs into a log (N1), whoever passes it. */
const payloadFields = new Set(['body', 'data', 'payload'])

/** What JSON leaves as it is, but a terminal or a log viewer acts upon: DEL, C1 (a one-byte CSI among them), separators, direction marks. */
const unsafe = /[\u007F-\u009F\u2028\u2029\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g

const escapeUnsafe = (text: string): string => text.replaceAll(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

const maxText = 8192

/** Names that the line itself uses: a field of that name would stand twice in the object. */
const reserved = new Set(['time', 'level', 'msg'])

const errorFields = (error: Error, depth: number): LogFields => ({
  ...(isMillraceError(error) ? { code: error.code, effect: error.effect, fix: error.fix } : { type: error.name }),
  message: describeError(error),
  ...(error.cause === undefined || depth > 2 ? {} : { cause: clean(error.cause, depth + 1) }),
})

const cleanFields = (fields: LogFields, depth: number): LogFields => {
  const entries = Object.entries(fields).slice(0, 100)
  return Object.fromEntries(
    entries.map(([given, value]) => {
      const name = depth === 0 && reserved.has(given) ? `${given}_` : given
      if (secretFields.test(name)) return [name, redacted]
      return [name, payloadFields.has(name) && value !== undefined ? '[payload]' : clean(value, depth)]
    }),
  )
}

/** A copy that is fit for a line: bounded in depth and length, without secrets, bytes, getters and cycles. */
const clean = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return value.length > maxText ? `${value.slice(0, maxText)}…` : value
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
  if (value instanceof Secret) return redacted
  if (value instanceof Error) return errorFields(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof URL) return value.username === '' && value.password === '' ? value.href : `${value.origin}${value.pathname}`
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (depth > 5) return '[deep]'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => clean(item, depth + 1))
  if (value instanceof Map) return cleanFields(Object.fromEntries([...value].map(([key, item]) => [String(key), item])), depth + 1)
  if (value instanceof Set) return [...value].slice(0, 100).map((item) => clean(item, depth + 1))
  return cleanFields(value as LogFields, depth + 1)
}

const wrap = (inner: Pino): Logger => {
  const write =
    (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void => {
      if (!inner.isLevelEnabled(level)) return
      if (fields === undefined) inner[level](message)
      else inner[level](cleanFields(fields, 0), message)
    }
  return {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(inner.child(cleanFields(fields, 0))),
  }
}

const streamOf = (options: LoggerOptions): DestinationStream => {
  const target = options.destination ?? process.stdout
  const toLine = options.encoding === 'console' ? consoleLine : escapeUnsafe
  return { write: (line: string) => void target.write(toLine(line)) }
}

/**
 * A logger on pino. JSON lines have `time` (ISO 8601), `level` (its name), `msg` and the fields; no line can be forged,
 * since everything that a terminal or a viewer would act upon is escaped (T42). Secrets and payloads never appear.
 */
export const createLogger = (options: LoggerOptions = {}): Logger =>
  wrap(
    pino(
      {
        level: options.level ?? 'info',
        base: cleanFields(options.base ?? {}, 0),
        timestamp: pino.stdTimeFunctions.isoTime,
        messageKey: 'msg',
        formatters: { level: (label) => ({ level: label }) },
      },
      streamOf(options),
    ),
  )

/** Drops everything. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}
