/** What may be wrong with a request, or with us at this moment. The keys are stable: the `type` of the reply ends in them. */
const kinds = {
  'bad-request': { status: 400, title: 'The request is not HTTP that can be used' },
  'bad-topic': { status: 400, title: 'The topic cannot be used' },
  'bad-query': { status: 400, title: 'The query cannot be used' },
  'bad-idempotency-key': { status: 400, title: 'The Idempotency-Key cannot be used' },
  'bad-cloudevent': { status: 400, title: 'The CloudEvent cannot be used' },
  unauthorized: { status: 401, title: 'A valid token is required' },
  'browser-origin': { status: 403, title: 'Web pages may not publish events' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'too-large': { status: 413, title: 'The event is too large' },
  'url-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-format': { status: 415, title: 'The format is not understood' },
  'back-pressure': { status: 429, title: 'Too much is waiting; send it again later' },
  'headers-too-large': { status: 431, title: 'There are too many headers, or too long ones' },
  internal: { status: 500, title: 'The event was not taken' },
  'not-stored': { status: 503, title: 'The event could not be stored' },
  'not-ready': { status: 503, title: 'Events are not taken just now' },
  released: { status: 503, title: 'The connector stopped before the event was settled' },
  'wait-over': { status: 504, title: 'The event was not settled in time; its delivery goes on' },
} as const

/** The last part of a problem's `type`. */
export type ProblemKind = keyof typeof kinds

/** The body of an error reply: problem details (RFC 9457) with how to fix it. */
export interface ProblemBody {
  /** `urn:millrace:problem:KIND`. Stable. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** What is wrong in this case. */
  readonly detail: string
  /** What to do about it. */
  readonly fix: string
  /** The event's id, where there is one. */
  readonly id?: string
}

/** A request that is refused, or an answer that is not the wanted one. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly body: ProblemBody
  /** Further headers of the reply, e.g. `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    kind: ProblemKind,
    text: { readonly detail: string; readonly fix: string; readonly id?: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(text.detail)
    const { title, status } = kinds[kind]
    this.body = { type: `urn:millrace:problem:${kind}`, title, status, ...text }
    this.headers = headers
  }
}
