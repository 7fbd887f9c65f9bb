import { createHash } from 'node:crypto'
import type { HeaderField, MillraceEvent } from '../../contract/event.ts'
import { isContentType } from './content-type.ts'
import { HeaderList } from './header-list.ts'
import { ForeignRules } from './foreign-rules.ts'
import { attributeRules, defaultPrefix, forwardedRules } from './name-rules.ts'
import type { NameRule } from './name-rules.ts'
import type { TraceName } from './names.ts'
import { isBaggage, isTraceparent, isTracestate } from './trace-context.ts'
import { percentEncode, plainText } from './value.ts'

/** Bounds of the headers of one request. */
export interface HeaderLimits {
  /** The event's own headers that are forwarded. @default 64 */
  readonly maxHeaders: number
  /**
   * All names and values with their separators. A Node function refuses more than 16 KiB with 431, and the gateway adds some
   * 500 bytes of its own. @default 14336
   */
  readonly maxBytes: number
  /** One value, before it is encoded. @default 4096 */
  readonly maxValueBytes: number
}

export interface HeaderCodecOptions {
  /** Value of `X-Connector`, e.g. `millrace/kafka-connector`. */
  readonly connector: string
  /** Value of `User-Agent`, e.g. `millrace/0.1.0`. */
  readonly userAgent: string
  /** The source's word, e.g. `kafka`. */
  readonly sourceName: string
  /** Goes before the name of each forwarded header. @default `X-<Name>-` */
  readonly headerPrefix?: string
  /** When neither the function nor the event says one. @default 'text/plain' */
  readonly defaultContentType?: string
  /** Names that the source's attributes may have, also where an event lacks them: no header of a message can take their place. */
  readonly reservedNames?: readonly string[]
  /** Forward `baggage`, which can carry personal data. @default false */
  readonly baggage?: boolean
  readonly limits?: Partial<HeaderLimits>
  /** Headers of this event were not sent: denied, invalid or over a limit. Called at most once per request. */
  readonly onDropped?: (event: MillraceEvent, count: number) => void
}

export interface HeaderCodec {
  /**
   * The headers of one request as a flat list `[name, value, ...]`: names are RFC 9110 tokens, values printable ASCII, in any case
   * fit for an HTTP/1.1 client. Never throws, whatever the event holds.
   *
   * @param attempt from 1
   * @param contentType the function's own, which replaces the event's
   */
  encode(event: MillraceEvent, attempt: number, contentType?: string): string[]
}

/** @internal */
export const defaultHeaderLimits: HeaderLimits = { maxHeaders: 64, maxBytes: 14_336, maxValueBytes: 4096 }

/** Longest topic or id on the wire; four of them still leave most of the room to the event's own headers. */
const maxOwnValue = 1024
/** The least that `maxBytes` may be, so that the headers of our own always fit. */
const minBytes = 4096
/** A UTF-16 unit becomes at most three bytes, and a byte three characters. */
const surelyShort = Math.floor(maxOwnValue / 9)
/** How many headers of an event are looked at. */
const maxLooked = 1024

/** A topic or id longer than a header should be keeps its beginning and gets a hash, so that it stays distinct and stable. */
const bounded = (value: string): string => {
  if (value.length <= surelyShort) return value
  const encoded = plainText(value) ?? percentEncode(value)
  if (encoded.length <= maxOwnValue) return value
  return `${encoded.slice(0, maxOwnValue - 65)}.${createHash('sha256').update(value).digest('hex')}`
}

const visible = (value: string, fallback: string): string => {
  const plain = plainText(value)
  return plain === undefined ? percentEncode(value) : plain || fallback
}

const noNames: readonly string[] = []

interface Trace {
  traceparent: string | undefined
  tracestate: string | undefined
  baggage: string | undefined
  dropped: number
}

/** How the headers of one event are forwarded. */
interface Forwarding {
  /** Names that attributes have, in lower case. */
  readonly taken: readonly string[]
  readonly ruleOf: (name: string) => NameRule
  /** Absent: the source's own trace context has won. */
  readonly trace: Trace | undefined
}

const joinable = { traceparent: false, tracestate: true, baggage: true } as const

const addTrace = (trace: Trace, name: TraceName, value: string | Uint8Array): void => {
  const text = value.length > 8192 ? undefined : plainText(value)
  const before = trace[name]
  if (text === undefined) trace.dropped += 1
  else if (before === undefined) trace[name] = text
  // A second traceparent makes both invalid; lists may come in several headers.
  else trace[name] = joinable[name] ? `${before},${text}` : ''
}

/** A valid traceparent, with its state; a state without its parent means nothing. */
const writeTrace = (list: HeaderList, trace: Trace, baggage: boolean): void => {
  list.dropped += trace.dropped
  const parentOk = trace.traceparent !== undefined && isTraceparent(trace.traceparent)
  if (parentOk) list.fit('traceparent', trace.traceparent as string)
  else if (trace.traceparent !== undefined) list.dropped += 1
  if (trace.tracestate !== undefined) {
    if (parentOk && isTracestate(trace.tracestate)) list.fit('tracestate', trace.tracestate)
    else list.dropped += 1
  }
  if (trace.baggage === undefined || !baggage) return
  if (isBaggage(trace.baggage)) list.fit('baggage', trace.baggage)
  else list.dropped += 1
}

/** The one place where events become HTTP headers. What does not change from event to event is worked out here, once. */
class Codec implements HeaderCodec {
  readonly #options: HeaderCodecOptions
  readonly #limits: HeaderLimits
  readonly #userAgent: string
  readonly #connector: string
  readonly #contentType: string
  readonly #attributeRule: (name: string) => NameRule
  readonly #forwardedRule: (name: string) => NameRule
  readonly #foreignRules = new ForeignRules()
  #lastContentType = ''

  constructor(options: HeaderCodecOptions) {
    this.#options = options
    const limits = { ...defaultHeaderLimits, ...options.limits }
    this.#limits = { ...limits, maxBytes: Math.max(limits.maxBytes, minBytes) }
    this.#userAgent = visible(options.userAgent, 'millrace')
    this.#connector = visible(options.connector, 'millrace')
    const fallback = options.defaultContentType
    this.#contentType = fallback !== undefined && isContentType(fallback) ? fallback : 'text/plain'
    const name = options.sourceName
    this.#attributeRule = attributeRules()
    this.#forwardedRule = forwardedRules(name, options.headerPrefix ?? defaultPrefix(name), options.reservedNames ?? [])
  }

  encode(event: MillraceEvent, attempt: number, contentType?: string): string[] {
    const list = new HeaderList([], this.#limits.maxBytes, this.#limits.maxValueBytes)
    const id = bounded(event.id)
    list.fit('Content-Type', this.#typeOf(list, contentType, event.contentType))
    list.fit('User-Agent', this.#userAgent)
    list.any('X-Topic', bounded(event.topic))
    list.fit('X-Connector', this.#connector)
    list.any('X-Event-Id', id)
    list.fit('X-Delivery-Attempt', String(attempt))
    if (event.ambiguousId !== true) list.any('Idempotency-Key', id)
    // Asked for once: an event may have to work them out.
    const { attributes } = event
    if (event.headers.length > 0 || attributes !== undefined) this.#writeFields(list, event, attributes)
    const out = list.finish()
    if (list.dropped > 0) this.#options.onDropped?.(event, list.dropped)
    return out
  }

  #typeOf(list: HeaderList, functions: string | undefined, events: string | undefined): string {
    for (const candidate of [functions, events]) {
      if (candidate === undefined) continue
      if (candidate === this.#lastContentType) return candidate
      if (isContentType(candidate)) return (this.#lastContentType = candidate)
      list.dropped += 1
    }
    return this.#contentType
  }

  #writeFields(list: HeaderList, event: MillraceEvent, attributes: readonly HeaderField[] | undefined): void {
    const trace: Trace = { traceparent: undefined, tracestate: undefined, baggage: undefined, dropped: 0 }
    const taken = attributes === undefined ? noNames : this.#writeAttributes(list, attributes, trace)
    // The source's own trace context wins as a whole.
    const traced = trace.traceparent !== undefined
    const ruleOf = event.naming === undefined ? this.#forwardedRule : this.#foreignRules.of(event.naming, this.#options.sourceName)
    this.#writeForwarded(list, event.headers, { taken, ruleOf, trace: traced ? undefined : trace })
    writeTrace(list, trace, this.#options.baggage === true)
  }

  /** Returns the names that no forwarded header may have, in lower case. */
  #writeAttributes(list: HeaderList, attributes: readonly HeaderField[], trace: Trace): readonly string[] {
    const taken: string[] = []
    for (const attribute of attributes) {
      const rule = this.#attributeRule(attribute[0])
      if (rule.kind === 'send') {
        taken.push(rule.lower)
        if (rule.cloudEvent) list.cloudEvent(rule.name, attribute[1])
        else list.any(rule.name, attribute[1])
      } else if (rule.kind === 'trace') addTrace(trace, rule.name, attribute[1])
      else list.dropped += 1
    }
    return taken
  }

  #writeForwarded(list: HeaderList, headers: readonly HeaderField[], { taken, ruleOf, trace }: Forwarding): void {
    let room = this.#limits.maxHeaders
    const looked = Math.min(headers.length, maxLooked)
    list.dropped += headers.length - looked
    for (let index = 0; index < looked; index += 1) {
      const [name, value] = headers[index] as HeaderField
      const rule = ruleOf(name)
      if (rule.kind === 'trace') {
        if (trace !== undefined) addTrace(trace, rule.name, value)
      } else if (rule.kind === 'drop' || room === 0) list.dropped += 1
      else if (taken.includes(rule.lower)) room -= list.any(rule.otherwise, value) ? 1 : 0
      else room -= (rule.cloudEvent ? list.cloudEvent(rule.name, value) : list.any(rule.name, value)) ? 1 : 0
    }
  }
}

/** The header codec of one connector. */
export const createHeaderCodec = (options: HeaderCodecOptions): HeaderCodec => new Codec(options)
