import type { WorkerCall } from './protocol.ts'

/** The event of OpenFaaS' Node template. */
export interface FunctionEvent {
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly method: string
  readonly query: Readonly<Record<string, string | string[]>>
  readonly path: string
}

/** How a call ended, before it is written. */
export interface TemplateReply {
  readonly status: number
  readonly headers: [string, string][]
  readonly body: string | Uint8Array
}

/** The body cannot be given to the handler: this is the answer, as body-parser's. */
export class BodyRefused extends Error {
  override readonly name: string = 'BodyRefused'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Settings of the template, from the function's environment. */
export type TemplateEnv = Readonly<Record<string, string | undefined>>

const sizes: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1024],
  ['mb', 1024 ** 2],
  ['gb', 1024 ** 3],
])

/** `100kb` and the like, as body-parser reads them; 100 KiB when it is not given. */
const limitOf = (text: string | undefined): number => {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) *(b|kb|mb|gb)?$/i.exec(text ?? '') ?? []
  return number === '' ? 100 * 1024 : Number(number) * (sizes.get(unit.toLowerCase()) ?? 1)
}

type Multi = Record<string, string | string[]>

const add = (into: Multi, name: string, value: string): void => {
  const before = into[name]
  into[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
}

/** Names never reach a prototype: the object has none. */
const multi = (entries: Iterable<readonly [string, string]>): Multi => {
  const into = Object.create(null) as Multi
  for (const [name, value] of entries) add(into, name, value)
  return into
}

/** The same as node:http makes of a request's headers: lower case, repeats joined. */
const headersOf = (flat: readonly string[]): Record<string, string | string[]> => {
  const into = Object.create(null) as Record<string, string | string[]>
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = (flat[at] ?? '').toLowerCase()
    const before = into[name]
    const value = flat[at + 1] ?? ''
    if (before === undefined) into[name] = name === 'set-cookie' ? [value] : value
    else if (Array.isArray(before)) before.push(value)
    else into[name] = name === 'cookie' ? `${before}; ${value}` : `${before}, ${value}`
  }
  return into
}

const parseJson = (text: string): unknown => {
  // body-parser's strict mode: anything but an object or an array is refused.
  if (!/^[\t\n\r ]*[[{]/.test(text)) throw new BodyRefused(400, 'SyntaxError: the JSON body is neither an object nor an array')
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new BodyRefused(400, 'SyntaxError: the body is not JSON')
  }
}

/** The template's body parsing, by content type. What it has no parser for arrives as `{}`: set `RAW_BODY: "true"` to get the bytes. */
const bodyOf = (bytes: Uint8Array, contentType: string, env: TemplateEnv): unknown => {
  const raw = env['RAW_BODY'] === 'true'
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const json = type === 'application/json'
  const limit = raw ? limitOf(env['MAX_RAW_SIZE']) : json ? limitOf(env['MAX_JSON_SIZE']) : limitOf(undefined)
  const parsed = raw || json || type.startsWith('text/') || type === 'application/x-www-form-urlencoded'
  if (parsed && bytes.length > limit) throw new BodyRefused(413, 'PayloadTooLargeError: request entity too large')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!parsed || bytes.length === 0) return {}
  if (raw) return buffer
  if (json) return parseJson(buffer.toString())
  return type.startsWith('text/') ? buffer.toString() : multi(new URLSearchParams(buffer.toString()))
}

/** @throws BodyRefused when the body cannot be parsed or is too large. */
export const eventOf = (call: WorkerCall, env: TemplateEnv): FunctionEvent => {
  const headers = headersOf(call.headers)
  headers['content-type'] ??= 'text/plain'
  return {
    body: bodyOf(call.body, String(headers['content-type']), env),
    headers,
    method: call.method,
    query: multi(new URLSearchParams(call.query)),
    path: call.path,
  }
}

const isPlain = (value: unknown): boolean =>
  Array.isArray(value) || (typeof value === 'object' && value !== null && value.constructor === Object)

/** As `toString()` says it: that is what the template sends. */
export const textOf = (value: unknown): string => `${value as string}`

const contentOf = (value: unknown): { body: string | Uint8Array; type?: string } => {
  if (value === undefined || value === null) return { body: '' }
  if (value instanceof Uint8Array) return { body: value, type: 'application/octet-stream' }
  // The template hands JSON text to express' send(), which calls every text HTML unless the handler says otherwise.
  if (isPlain(value)) return { body: JSON.stringify(value), type: 'text/html; charset=utf-8' }
  if (typeof value === 'object') return { body: JSON.stringify(value), type: 'application/json; charset=utf-8' }
  return { body: textOf(value), type: 'text/html; charset=utf-8' }
}

/** The context of OpenFaaS' Node template. */
export class FunctionContext {
  cbCalled = 0
  #statusCode = 200
  #headers: Record<string, unknown> = {}
  readonly #done: (error: unknown, value: unknown) => void

  constructor(done: (error: unknown, value: unknown) => void) {
    this.#done = done
  }

  /** Sets the status, or gives it. */
  status(code?: number): number | this {
    if (!code) return this.#statusCode
    this.#statusCode = code
    return this
  }

  /** Sets the headers of the answer, or gives them. */
  headers(value?: Record<string, unknown>): Record<string, unknown> | this {
    if (!value) return this.#headers
    this.#headers = value
    return this
  }

  succeed(value?: unknown): void {
    this.cbCalled += 1
    this.#done(undefined, value)
  }

  /** Status 500 unless another was set, and the error's text. */
  fail(error?: unknown): void {
    if (this.#statusCode === 200) this.#statusCode = 500
    this.cbCalled += 1
    this.#done(error, undefined)
  }

  /** The answer for what the handler gave. */
  toReply(error: unknown, value: unknown): TemplateReply {
    if (error) return { status: this.#statusCode, headers: [['Content-Type', 'text/html; charset=utf-8']], body: textOf(error) }
    const { body, type } = contentOf(value)
    const headers = Object.entries(this.#headers).flatMap(([name, one]) =>
      (Array.isArray(one) ? one : [one]).map((each): [string, string] => [name, String(each)]),
    )
    const typed = headers.some(([name]) => name.toLowerCase() === 'content-type')
    return { status: this.#statusCode, headers: typed || type === undefined ? headers : [...headers, ['Content-Type', type]], body }
  }
}
