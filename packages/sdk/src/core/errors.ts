import { inspect } from 'node:util'
import { type ErrorRow, errorTable } from './error-table.ts'

export { errorTable } from './error-table.ts'
export type { ErrorRow } from './error-table.ts'

/** A code of the error table. */
export type ErrorCode = keyof typeof errorTable

/** Values for the placeholders of the message, and where things came from. Never a secret, never a payload. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>

const brand = Symbol.for('millrace.error')

const fill = (template: string, context: ErrorContext): string =>
  template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => (context[name] === undefined ? whole : String(context[name])))

/** An error with a code of the table. Its text says what happened; `effect` and `fix` say the rest. */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  readonly code: ErrorCode
  readonly context: ErrorContext
  readonly effect: string
  readonly fix: string
  readonly retryable: boolean

  constructor(code: ErrorCode, context: ErrorContext = {}, cause?: unknown) {
    const entry: ErrorRow = errorTable[code]
    super(`${code} ${fill(entry.message, context)}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.context = context
    this.effect = fill(entry.effect, context)
    this.fix = fill(entry.fix, context)
    this.retryable = entry.retryable
    Object.defineProperty(this, brand, { value: true })
  }

  /** For a person: what, effect and fix on lines of their own. */
  explain(): string {
    return `${this.message}\n  effect ${this.effect}\n  fix    ${this.fix}`
  }
}

/** True for a Millrace error, also one of another copy of this package. */
export const isMillraceError = (value: unknown): value is MillraceError =>
  typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true

/** The message of anything thrown, at most `max` characters, with control characters escaped: fit for a log or a header. */
export const describeError = (thrown: unknown, max = 1024): string => {
  const text = thrown instanceof Error ? thrown.message || thrown.name : inspect(thrown, { depth: 1 })
  // oxlint-disable-next-line no-control-regex
  const safe = text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return safe.length > max ? `${safe.slice(0, max - 1)}…` : safe
}
