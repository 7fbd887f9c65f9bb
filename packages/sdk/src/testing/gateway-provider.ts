/** Header lines as they were on the wire: names in their case, repeats kept, in order. */
export type RawHeaders = readonly (readonly [name: string, value: string])[]

/** All values of a header, in order. */
export const headerValues = (headers: RawHeaders, name: string): string[] => {
  const wanted = name.toLowerCase()
  return headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value)
}

/** The first value of a header. */
export const headerValue = (headers: RawHeaders, name: string): string | undefined => {
  const wanted = name.toLowerCase()
  return headers.find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/** One call as the function sees it: after the gateway has added and removed its headers. */
export interface FunctionCall {
  /** As it was called: `NAME` or `NAME.NAMESPACE`. */
  readonly called: string
  readonly method: string
  /** What follows the name in the path, still encoded: empty or with a leading slash. */
  readonly path: string
  /** The raw query without `?`. */
  readonly query: string
  readonly headers: RawHeaders
  readonly body: Buffer
  /** Aborts when the caller has left or the gateway's `upstream_timeout` has passed. */
  readonly signal: AbortSignal
}

/** What a function answers. */
export interface FunctionReply {
  /** @default 200 */
  readonly status?: number
  readonly headers?: RawHeaders
  /** A stream that throws cuts the connection in the middle of the body. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** Seconds the function took, as its watchdog says. @default measured by the gateway */
  readonly durationSeconds?: number
}

/** An item of `/system/functions`. Empty fields are left out on the wire. */
export interface FunctionStatus {
  readonly name: string
  readonly image: string
  readonly namespace?: string
  readonly envProcess?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly limits?: { readonly memory?: string; readonly cpu?: string }
  readonly requests?: { readonly memory?: string; readonly cpu?: string }
  readonly readOnlyRootFilesystem?: boolean
  readonly invocationCount?: number
  readonly replicas?: number
  readonly availableReplicas?: number
  readonly createdAt: string
}

/** A function that the gateway can list and call. */
export interface GatewayFunction {
  readonly status: FunctionStatus
  /** 0: the call is held until `scaleUp` resolves. */
  readonly replicas: number
  /** Cold start. A rejection's message goes into the gateway's 500. */
  scaleUp(): Promise<void>
  /** May reject: the caller then gets a 500 with the error's text, as OpenFaaS' Node template answers. */
  invoke(call: FunctionCall): Promise<FunctionReply>
}

/** What stands behind the gateway: faas-netes, faasd, or here the functions of one process. */
export interface GatewayProvider {
  /** `[]` and `null` are what gateways without namespaces say. */
  namespaces(): readonly string[] | null
  list(): readonly GatewayFunction[]
  find(name: string, namespace: string | undefined): GatewayFunction | undefined
}

/** Thrown by `invoke`: nothing can be said to the caller but that the connection broke. */
export class BrokenUpstream extends Error {
  override readonly name: string = 'BrokenUpstream'
}
