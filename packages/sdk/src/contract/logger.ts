/** Structured fields of a log line. Payloads never belong here. */
export type LogFields = Readonly<Record<string, unknown>>

/** The five methods that Millrace needs of a logger: message first, data second, nothing interpolated. pino fits through `pinoLogger()`. */
export interface Logger {
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}
