import { inspect } from 'node:util'

/** One row of the error table: what happened, what it means for events, how to fix it. */
interface ErrorRow {
  /** What happened. `{name}` is filled from the error's `context`. */
  readonly message: string
  /** What it means for events. */
  readonly effect: string
  /** How to fix it. */
  readonly fix: string
  /** Trying again may help without anybody changing anything. */
  readonly retryable: boolean
}

const row = (message: string, effect: string, fix: string, retryable = false): ErrorRow => ({ message, effect, fix, retryable })

/**
 * Every error that Millrace raises or logs. `docs/errors.md` is generated from it.
 * Codes are `E_<AREA>_<WHAT>` and are never reused for something else.
 */
export const errorTable = {
  E_ADMIN_LISTEN: row(
    'The admin server cannot listen on {host}:{port}: {reason}',
    'The connector does not start; nothing was taken from the source.',
    'Set admin_host to an address of this machine and admin_port to a port that this user may open (above 1023), or to 0 for any free port.',
  ),
  E_ADMIN_PORT_IN_USE: row(
    'Port {port} on {host} is in use by another process.',
    'The connector does not start; nothing was taken from the source.',
    'Stop the other process (find it with: ss -ltnp sport = :{port}), or set admin_port to another port, or to 0 for any free one.',
  ),
  E_CONFIG_INVALID: row(
    'The configuration has {count} mistake(s): {names}',
    'The connector does not start; nothing was taken from the source.',
    'Correct the settings that are listed. `--help` lists all of them, `--print-config` shows the values in force and where they come from.',
  ),
  E_CONNECTOR_SPOOL: row(
    'the source {source} needs a spool, and there is none',
    'Nobody would give its events again, so nothing is taken in.',
    'Give the connector a spool (`openSpool`), or set `state_dir`.',
  ),
  E_CONNECTOR_STATE: row(
    '{call} is not possible while the connector is {state}',
    'Nothing changes.',
    'Call `start()` once and wait for it before anything else; make a new connector after a stop.',
  ),
  E_CRON_RECORD: row(
    'The stored record {key} of a schedule cannot be read: {reason}',
    'The schedule begins again from now; what was missed before is not caught up.',
    'Look who else writes to the state store. Nothing needs to be done for the schedule.',
  ),
  E_CRON_SCHEDULE: row(
    'The schedule "{schedule}" cannot be used: {reason}',
    'It does not run. Other schedules do.',
    'Correct the expression; the README of the cron connector lists what is understood.',
  ),
  E_DELIVERY_HELD: row(
    'an event may not be settled and is held: there is no place for dead letters, or the policy says hold',
    'The event and those behind it in its lane wait; it is tried again every five minutes.',
    'Set `dead_letter_dir`, or mend the function; `com.openfaas.connector.dead-letter` of the function says what it wants.',
    true,
  ),
  E_DEVGATEWAY_LISTEN: row(
    'The gateway cannot listen on {host}:{port}: {reason}',
    'The gateway does not start; no function is called.',
    'Use --host with an address of this machine and --port with a port that this user may open (above 1023), or 0 for any free port.',
  ),
  E_DEVGATEWAY_PORT_IN_USE: row(
    'Port {port} on {host} is in use by another process.',
    'The gateway does not start; no function is called.',
    'Stop the other process (find it with: ss -ltnp sport = :{port}), or use --port with another port, or 0 for any free one.',
  ),
  E_DEVGATEWAY_USAGE: row(
    'The command line is wrong: {reason}',
    'The gateway does not start.',
    'See millrace-dev-gateway --help.',
  ),
  E_FAULTPLAN_INVALID: row(
    '{file} is not a usable fault plan:\n{problems}',
    'The plan is not used. A running gateway keeps the last good one.',
    'Correct the lines that are named.',
  ),
  E_GATEWAY_AUTH: row(
    'the gateway refused the credentials: {url} answered {status} ({answer})',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Check basic_auth and the files basic-auth-user and basic-auth-password under secret_mount_path. 401: not known there; 403: known, but not permitted.',
    true,
  ),
  E_GATEWAY_CLOSED: row(
    'the request to {url} was stopped because the connector stops',
    'None: nothing depended on the answer any more.',
    'Nothing to do.',
  ),
  E_GATEWAY_MALFORMED: row(
    'the gateway sent something that is not an answer: {url}: {what}',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Check that gateway_url names an OpenFaaS gateway and not a login page or another service.',
    true,
  ),
  E_GATEWAY_STATUS: row(
    'the gateway answered {status} to {url} ({answer})',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Look at the logs of the gateway and its provider. For a 3xx set gateway_url to the final address: redirects are not followed. For a 400 or 404 of one namespace leave that namespace out.',
    true,
  ),
  E_GATEWAY_TIMEOUT: row(
    'the gateway did not answer within {ms} ms: {url}',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Check that the gateway is up and can reach its provider.',
    true,
  ),
  E_GATEWAY_TLS: row(
    'no trusted TLS connection to the gateway: {url}: {what}',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Give the authority that signed the certificate of the gateway, and check its name and its dates.',
    true,
  ),
  E_GATEWAY_TOO_LARGE: row(
    'the answer of the gateway is larger than {max} bytes: {url}',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Check that gateway_url names an OpenFaaS gateway.',
    true,
  ),
  E_GATEWAY_UNREACHABLE: row(
    'the gateway cannot be reached: {url}: {what}',
    'The last good list of functions stays in force; without one nothing is taken in yet.',
    'Check gateway_url, DNS and network policies.',
    true,
  ),
  E_GATEWAY_URL: row(
    '{url} cannot be the address of a gateway: {why}',
    'The connector does not start.',
    'Give an address such as http://gateway.openfaas:8080, without credentials.',
  ),
  E_INTERNAL_STATE: row(
    '{what}',
    'Depends on the place; nothing that was not settled is acknowledged.',
    'This is a fault in Millrace or in a custom source. Report it with the whole message.',
  ),
  E_INVOKE_RELEASED: row(
    'the event {id} for {topic} was given back ({reason}) before its functions had settled it',
    'Functions may have run; the caller has the event and decides.',
    'Invoke again when the connector runs; the same `id` lets functions recognise the event.',
    true,
  ),
  E_INVOKE_TIMEOUT: row(
    'the functions of {topic} had not settled the event {id} after {timeoutMs} ms',
    'The delivery goes on without a listener.',
    'Give `timeoutMs` more room than the retries need, or look at why the function does not answer.',
    true,
  ),
  E_JOURNAL_BUSY: row(
    'More than {limit} bytes wait to be written to {directory}.',
    'The record was not taken; whoever brought it keeps it and tries again.',
    'The disk is slower than the events. Use a faster disk, or lower the number of events in flight.',
    true,
  ),
  E_JOURNAL_CLOSED: row(
    'The journal in {directory} is closed.',
    'Nothing was written.',
    'Report it: something wrote after the connector had stopped.',
  ),
  E_JOURNAL_CORRUPT: row(
    '{file} is damaged at byte {offset}; it was set aside as {aside}.',
    'The records that cannot be read are not delivered; the file is kept as it is.',
    'Check the disk, then look at the file: one JSON record a line, docs/file-formats.md describes it. Delete it when it is no longer needed.',
  ),
  E_JOURNAL_FORMAT: row(
    '{file} is not a {kind} journal of version {version}.',
    'Nothing is read or written.',
    'Give each purpose a directory of its own. After a downgrade, use the release that wrote the file.',
  ),
  E_JOURNAL_IO: row(
    'Cannot {operation} {path}: {reason}',
    'Nothing of this write counts. What was durable before still is, and writing goes on as soon as the disk allows it.',
    'Free space or repair the disk, and check that the directory may be written.',
    true,
  ),
  E_JOURNAL_LOCKED: row(
    '{directory} is in use by process {pid} on {host}.',
    'Nothing is read or written.',
    'Stop the other process, or give this one a directory of its own.',
    true,
  ),
  E_JOURNAL_LOCK_LOST: row(
    'Another process has taken over {directory}.',
    'Nothing more is written here; events that wait are given back to the broker.',
    'Give each process its own directory. If there was only one, it stood still for longer than {staleMs} ms.',
  ),
  E_JOURNAL_RECORD: row(
    'A record of {size} bytes cannot be written to {directory}: {reason}',
    'The record was not taken.',
    'Lower the largest event size below {limit} bytes.',
  ),
  E_LETTER_MALFORMED: row(
    '{where} is not a dead letter or event as Millrace writes it: {reason}',
    'The record is left where it is and not delivered.',
    'Look at the line: docs/file-formats.md describes it. A copy of the file without the line can be read.',
  ),
  E_LETTER_VERSION: row(
    '{where} has format version {version}; this release reads version {supported}.',
    'The record is left where it is and not delivered.',
    'Use the Millrace release that wrote it, or a newer one.',
  ),
  E_LETTER_WRITE: row(
    'a dead letter could not be written to {sink}',
    'The event stays unacknowledged and its lane waits; the write is tried again for ever.',
    'Make room or give the right to write: see the cause in the log line.',
    true,
  ),
  E_STACK_HANDLER: row(
    '{file}:{line}: the handler of function {function} cannot be used: {reason}',
    'The stack is not used. A running gateway keeps the last good one.',
    'handler names a folder, relative to the stack file, with handler.js, handler.mjs, handler.cjs or a package.json with main.',
  ),
  E_STACK_INVALID: row(
    '{file} is not a usable stack file:\n{problems}',
    'The stack is not used. A running gateway keeps the last good one.',
    'Correct the lines that are named; the format is that of faas-cli, docs: https://docs.openfaas.com/reference/yaml/',
  ),
  E_STACK_READ: row(
    'Cannot read {file}: {reason}',
    'It is not used. A running gateway keeps the last good one.',
    'Check the path and that this user may read it.',
  ),
  E_STATE_CLOSED: row(
    'The state store is closed.',
    'Nothing was read or written.',
    'Report it: a source used its state after the connector had stopped.',
  ),
  E_STATE_CORRUPT: row(
    'The state in {directory} is damaged: {reason}',
    'The connector does not start, so that no cursor or checkpoint is lost without anybody knowing.',
    'Restore the directory from a backup. Or move the whole directory away: the connector then starts with empty state, which repeats or skips events as for a first start.',
  ),
  E_STATE_IO: row(
    'Cannot {operation} the state: {reason}',
    'Nothing may be assumed about this write; the source tries again and acknowledges nothing on the strength of it.',
    'Free space or repair the disk, and check that the state directory may be written.',
    true,
  ),
  E_STATE_LIMIT: row(
    '{what} has {size} bytes; at most {limit} are allowed.',
    'The value was not stored.',
    'Use shorter keys or smaller values; the store is for cursors and marks, not for events.',
  ),
} as const satisfies Record<string, ErrorRow>

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
