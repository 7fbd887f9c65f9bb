import { inspect } from 'node:util'

/** One row of the error table: what happened, what it means for events, how to fix it. */
export interface ErrorRow {
  /** What happened. `{name}` is filled from the error's `context`. */
  readonly message: string
  /** What it means for events. */
  readonly effect: string
  /** How to fix it. */
  readonly fix: string
  /** Trying again may help without anybody changing anything. */
  readonly retryable: boolean
}

/**
 * Every error that Millrace raises or logs. `docs/errors.md` is generated from it.
 * Codes are `E_<AREA>_<WHAT>` and are never reused for something else.
 */
export const errorTable = {
  E_ADMIN_LISTEN: {
    message: 'The admin server cannot listen on {host}:{port}: {reason}',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Set admin_host to an address of this machine and admin_port to a port that this user may open (above 1023), or to 0 for any free port.',
    retryable: false,
  },
  E_ADMIN_PORT_IN_USE: {
    message: 'Port {port} on {host} is in use by another process.',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or set admin_port to another port, or to 0 for any free one.',
    retryable: false,
  },
  E_CONFIG_INVALID: {
    message: 'The configuration has {count} mistake(s): {names}',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Correct the settings that are listed. `--help` lists all of them, `--print-config` shows the values in force and where they come from.',
    retryable: false,
  },
  E_CONNECTOR_SPOOL: {
    message: 'the source {source} needs a spool, and there is none',
    effect: 'Nobody would give its events again, so nothing is taken in.',
    fix: 'Give the connector a spool (`openSpool`), or set `state_dir`.',
    retryable: false,
  },
  E_CONNECTOR_STATE: {
    message: '{call} is not possible while the connector is {state}',
    effect: 'Nothing changes.',
    fix: 'Call `start()` once and wait for it before anything else; make a new connector after a stop.',
    retryable: false,
  },
  E_CRON_RECORD: {
    message: 'The stored record {key} of a schedule cannot be read: {reason}',
    effect: 'The schedule begins again from now; what was missed before is not caught up.',
    fix: 'Look who else writes to the state store. Nothing needs to be done for the schedule.',
    retryable: false,
  },
  E_CRON_SCHEDULE: {
    message: 'The schedule "{schedule}" cannot be used: {reason}',
    effect: 'It does not run. Other schedules do.',
    fix: 'Correct the expression; the README of the cron connector lists what is understood.',
    retryable: false,
  },
  E_DELIVERY_HELD: {
    message: 'an event may not be settled and is held: there is no place for dead letters, or the policy says hold',
    effect: 'The event and those behind it in its lane wait; it is tried again every five minutes.',
    fix: 'Set `dead_letter_dir`, or mend the function; `com.openfaas.connector.dead-letter` of the function says what it wants.',
    retryable: true,
  },
  E_DEVGATEWAY_LISTEN: {
    message: 'The gateway cannot listen on {host}:{port}: {reason}',
    effect: 'The gateway does not start; no function is called.',
    fix: 'Use --host with an address of this machine and --port with a port that this user may open (above 1023), or 0 for any free port.',
    retryable: false,
  },
  E_DEVGATEWAY_PORT_IN_USE: {
    message: 'Port {port} on {host} is in use by another process.',
    effect: 'The gateway does not start; no function is called.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or use --port with another port, or 0 for any free one.',
    retryable: false,
  },
  E_DEVGATEWAY_USAGE: {
    message: 'The command line is wrong: {reason}',
    effect: 'The gateway does not start.',
    fix: 'See millrace-dev-gateway --help.',
    retryable: false,
  },
  E_FAULTPLAN_INVALID: {
    message: '{file} is not a usable fault plan:\n{problems}',
    effect: 'The plan is not used. A running gateway keeps the last good one.',
    fix: 'Correct the lines that are named.',
    retryable: false,
  },
  E_GATEWAY_AUTH: {
    message: 'the gateway refused the credentials: {url} answered {status} ({answer})',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check basic_auth and the files basic-auth-user and basic-auth-password under secret_mount_path. 401: not known there; 403: known, but not permitted.',
    retryable: true,
  },
  E_GATEWAY_CLOSED: {
    message: 'the request to {url} was stopped because the connector stops',
    effect: 'None: nothing depended on the answer any more.',
    fix: 'Nothing to do.',
    retryable: false,
  },
  E_GATEWAY_MALFORMED: {
    message: 'the gateway sent something that is not an answer: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that gateway_url names an OpenFaaS gateway and not a login page or another service.',
    retryable: true,
  },
  E_GATEWAY_STATUS: {
    message: 'the gateway answered {status} to {url} ({answer})',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Look at the logs of the gateway and its provider. For a 3xx set gateway_url to the final address: redirects are not followed. For a 400 or 404 of one namespace leave that namespace out.',
    retryable: true,
  },
  E_GATEWAY_TIMEOUT: {
    message: 'the gateway did not answer within {ms} ms: {url}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that the gateway is up and can reach its provider.',
    retryable: true,
  },
  E_GATEWAY_TLS: {
    message: 'no trusted TLS connection to the gateway: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Give the authority that signed the certificate of the gateway, and check its name and its dates.',
    retryable: true,
  },
  E_GATEWAY_TOO_LARGE: {
    message: 'the answer of the gateway is larger than {max} bytes: {url}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that gateway_url names an OpenFaaS gateway.',
    retryable: true,
  },
  E_GATEWAY_UNREACHABLE: {
    message: 'the gateway cannot be reached: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check gateway_url, DNS and network policies.',
    retryable: true,
  },
  E_GATEWAY_URL: {
    message: '{url} cannot be the address of a gateway: {why}',
    effect: 'The connector does not start.',
    fix: 'Give an address such as http://gateway.openfaas:8080, without credentials.',
    retryable: false,
  },
  E_HTTP_LISTEN: {
    message: 'Events cannot be taken on {host}:{port}: {reason}',
    effect: 'The HTTP source does not listen; no event is taken, and none is lost.',
    fix: 'Set events_host to an address of this machine and events_port to a port that this user may open (above 1023), or to 0 for any free port.',
    retryable: true,
  },
  E_HTTP_PORT_IN_USE: {
    message: 'Events cannot be taken on {host}:{port}: another process uses the port.',
    effect: 'The HTTP source does not listen; no event is taken, and none is lost.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or set events_port to another port, or to 0 for any free one.',
    retryable: true,
  },
  E_INTERNAL_STATE: {
    message: '{what}',
    effect: 'Depends on the place; nothing that was not settled is acknowledged.',
    fix: 'This is a fault in Millrace or in a custom source. Report it with the whole message.',
    retryable: false,
  },
  E_INVOKE_RELEASED: {
    message: 'the event {id} for {topic} was given back ({reason}) before its functions had settled it',
    effect: 'Functions may have run; the caller has the event and decides.',
    fix: 'Invoke again when the connector runs; the same `id` lets functions recognise the event.',
    retryable: true,
  },
  E_INVOKE_TIMEOUT: {
    message: 'the functions of {topic} had not settled the event {id} after {timeoutMs} ms',
    effect: 'The delivery goes on without a listener.',
    fix: 'Give `timeoutMs` more room than the retries need, or look at why the function does not answer.',
    retryable: true,
  },
  E_JOURNAL_BUSY: {
    message: 'More than {limit} bytes wait to be written to {directory}.',
    effect: 'The record was not taken; whoever brought it keeps it and tries again.',
    fix: 'The disk is slower than the events. Use a faster disk, or lower the number of events in flight.',
    retryable: true,
  },
  E_JOURNAL_CLOSED: {
    message: 'The journal in {directory} is closed.',
    effect: 'Nothing was written.',
    fix: 'Report it: something wrote after the connector had stopped.',
    retryable: false,
  },
  E_JOURNAL_CORRUPT: {
    message: '{file} is damaged at byte {offset}; it was set aside as {aside}.',
    effect: 'The records that cannot be read are not delivered; the file is kept as it is.',
    fix: 'Check the disk, then look at the file: one JSON record a line, docs/file-formats.md describes it. Delete it when it is no longer needed.',
    retryable: false,
  },
  E_JOURNAL_FORMAT: {
    message: '{file} is not a {kind} journal of version {version}.',
    effect: 'Nothing is read or written.',
    fix: 'Give each purpose a directory of its own. After a downgrade, use the release that wrote the file.',
    retryable: false,
  },
  E_JOURNAL_IO: {
    message: 'Cannot {operation} {path}: {reason}',
    effect: 'Nothing of this write counts. What was durable before still is, and writing goes on as soon as the disk allows it.',
    fix: 'Free space or repair the disk, and check that the directory may be written.',
    retryable: true,
  },
  E_JOURNAL_LOCKED: {
    message: '{directory} is in use by process {pid} on {host}.',
    effect: 'Nothing is read or written.',
    fix: 'Stop the other process, or give this one a directory of its own.',
    retryable: true,
  },
  E_JOURNAL_LOCK_LOST: {
    message: 'Another process has taken over {directory}.',
    effect: 'Nothing more is written here; events that wait are given back to the broker.',
    fix: 'Give each process its own directory. If there was only one, it stood still for longer than {staleMs} ms.',
    retryable: false,
  },
  E_JOURNAL_RECORD: {
    message: 'A record of {size} bytes cannot be written to {directory}: {reason}',
    effect: 'The record was not taken.',
    fix: 'Lower the largest event size below {limit} bytes.',
    retryable: false,
  },
  E_LETTER_MALFORMED: {
    message: '{where} is not a dead letter or event as Millrace writes it: {reason}',
    effect: 'The record is left where it is and not delivered.',
    fix: 'Look at the line: docs/file-formats.md describes it. A copy of the file without the line can be read.',
    retryable: false,
  },
  E_LETTER_VERSION: {
    message: '{where} has format version {version}; this release reads version {supported}.',
    effect: 'The record is left where it is and not delivered.',
    fix: 'Use the Millrace release that wrote it, or a newer one.',
    retryable: false,
  },
  E_LETTER_WRITE: {
    message: 'a dead letter could not be written to {sink}',
    effect: 'The event stays unacknowledged and its lane waits; the write is tried again for ever.',
    fix: 'Make room or give the right to write: see the cause in the log line.',
    retryable: true,
  },
  E_STACK_HANDLER: {
    message: '{file}:{line}: the handler of function {function} cannot be used: {reason}',
    effect: 'The stack is not used. A running gateway keeps the last good one.',
    fix: 'handler names a folder, relative to the stack file, with handler.js, handler.mjs, handler.cjs or a package.json with main.',
    retryable: false,
  },
  E_STACK_INVALID: {
    message: '{file} is not a usable stack file:\n{problems}',
    effect: 'The stack is not used. A running gateway keeps the last good one.',
    fix: 'Correct the lines that are named; the format is that of faas-cli, docs: https://docs.openfaas.com/reference/yaml/',
    retryable: false,
  },
  E_STACK_READ: {
    message: 'Cannot read {file}: {reason}',
    effect: 'It is not used. A running gateway keeps the last good one.',
    fix: 'Check the path and that this user may read it.',
    retryable: false,
  },
  E_STATE_CLOSED: {
    message: 'The state store is closed.',
    effect: 'Nothing was read or written.',
    fix: 'Report it: a source used its state after the connector had stopped.',
    retryable: false,
  },
  E_STATE_CORRUPT: {
    message: 'The state in {directory} is damaged: {reason}',
    effect: 'The connector does not start, so that no cursor or checkpoint is lost without anybody knowing.',
    fix: 'Restore the directory from a backup. Or move the whole directory away: the connector then starts with empty state, which repeats or skips events as for a first start.',
    retryable: false,
  },
  E_STATE_IO: {
    message: 'Cannot {operation} the state: {reason}',
    effect: 'Nothing may be assumed about this write; the source tries again and acknowledges nothing on the strength of it.',
    fix: 'Free space or repair the disk, and check that the state directory may be written.',
    retryable: true,
  },
  E_STATE_LIMIT: {
    message: '{what} has {size} bytes; at most {limit} are allowed.',
    effect: 'The value was not stored.',
    fix: 'Use shorter keys or smaller values; the store is for cursors and marks, not for events.',
    retryable: false,
  },
} as const

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
