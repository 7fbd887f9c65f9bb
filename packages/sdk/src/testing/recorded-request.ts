import { headerValue, headerValues, type RawHeaders } from './gateway-provider.ts'

/** Which of the gateway's faces was asked. */
export type RequestKind = 'function' | 'async-function' | 'system' | 'other'

/** Where a request goes. */
export interface RequestTarget {
  readonly kind: RequestKind
  readonly method: string
  /** The request target as sent, with the query. */
  readonly target: string
  /** Without the query, still encoded. */
  readonly path: string
  /** Without `?`. */
  readonly query: string
  /** `NAME` or `NAME.NAMESPACE` as called. */
  readonly function?: string
  /** What follows the function's name: empty or with a leading slash. */
  readonly suffix?: string
}

/** A request as the gateway received it. */
export class RecordedRequest {
  readonly kind: RequestKind
  readonly method: string
  readonly target: string
  readonly path: string
  readonly query: string
  /** `NAME` or `NAME.NAMESPACE` as called; empty for the gateway's own routes. */
  readonly function: string
  /** What follows the function's name: empty or with a leading slash. */
  readonly suffix: string
  /** As sent: names in their case, repeats kept. */
  readonly headers: RawHeaders
  readonly body: Buffer
  /** Epoch milliseconds of arrival. */
  readonly at: number
  /** Status of the answer; absent while there is none, and when the connection was broken instead. */
  status?: number
  /** The rule of the fault plan that met it. */
  fault?: string

  constructor(target: RequestTarget, headers: RawHeaders, body: Buffer, at: number) {
    this.kind = target.kind
    this.method = target.method
    this.target = target.target
    this.path = target.path
    this.query = target.query
    this.function = target.function ?? ''
    this.suffix = target.suffix ?? ''
    this.headers = headers
    this.body = body
    this.at = at
  }

  /** The first value of a header. */
  header(name: string): string | undefined {
    return headerValue(this.headers, name)
  }

  /** All values of a header. */
  headerValues(name: string): string[] {
    return headerValues(this.headers, name)
  }

  /** The body as UTF-8. */
  text(): string {
    return this.body.toString()
  }

  /** The body as JSON. Throws when it is not. */
  json(): unknown {
    return JSON.parse(this.text())
  }

  /** `X-Event-Id`. */
  get eventId(): string | undefined {
    return this.header('x-event-id')
  }

  /** `X-Topic`. */
  get topic(): string | undefined {
    return this.header('x-topic')
  }

  /** `X-Delivery-Attempt`, from 1. */
  get attempt(): number | undefined {
    const value = this.header('x-delivery-attempt')
    return value === undefined ? undefined : Number(value)
  }
}
