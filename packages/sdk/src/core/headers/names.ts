/** They frame the message or belong to the connection: nobody but the HTTP client sets them. */
const framing: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Secrets: a message must not carry them on to a function, not even under a prefix. `ce-datacontenttype` does not exist over HTTP. */
const secret: ReadonlySet<string> = new Set([
  'authorization',
  'ce-datacontenttype',
  'cookie',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
])

/** The gateway, the watchdog or a proxy acts on them: openfaas 1.4 and 2.3. */
const steering: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'forwarded',
  'x-callback-url',
  'x-openfaas-internal',
  'x-start-time',
  'x-timeout',
])

/** True for a lower-case name that a message's own header may never become, with or without a prefix. */
export const isDeniedHeader = (lower: string): boolean =>
  framing.has(lower) || secret.has(lower) || steering.has(lower) || lower.startsWith('x-forwarded-')

/** True for a lower-case name that not even a source may set. */
export const isDeniedAttribute = (lower: string): boolean => framing.has(lower) || secret.has(lower)

/** The names that the codec itself sets, in lower case. */
export const ownNames: ReadonlySet<string> = new Set([
  'content-type',
  'idempotency-key',
  'user-agent',
  'x-connector',
  'x-delivery-attempt',
  'x-event-id',
  'x-millrace-encoded',
  'x-topic',
])

/** Trace context, validated by its own grammar. */
export type TraceName = 'traceparent' | 'tracestate' | 'baggage'

/** True for a lower-case name of the W3C trace context. */
export const isTraceName = (lower: string): lower is TraceName => lower === 'traceparent' || lower === 'tracestate' || lower === 'baggage'
