import { setTimeout as sleep } from 'node:timers/promises'
import {
  headerValue,
  headerValues,
  type FunctionCall,
  type FunctionReply,
  type FunctionStatus,
  type GatewayFunction,
  type RawHeaders,
} from './gateway-provider.ts'

/** A call with the helpers that tests want. */
export interface FakeCall extends FunctionCall {
  /** First value of a header that the function sees. */
  header(name: string): string | undefined
  headerValues(name: string): string[]
  text(): string
  json(): unknown
}

/** What a handler may answer: nothing (200), a body, or all of it. */
export type FakeReply =
  | void
  | string
  | Uint8Array
  | {
      readonly status?: number
      readonly headers?: Readonly<Record<string, string | readonly string[]>>
      readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
    }

/** A throw answers 500 with the error's text. `call.signal` aborts when the caller has left. */
export type FakeHandler = (call: FakeCall) => FakeReply | Promise<FakeReply>

/** A function of the fake gateway. */
export interface FakeFunctionSpec {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** @default 'example/NAME:latest' */
  readonly image?: string
  /** Changes the revision of a redeployed function. @default '2024-01-01T00:00:00Z' */
  readonly createdAt?: string
  /** @default answers 200 without a body */
  readonly handler?: FakeHandler
  /** 0: the first call is held for `coldStartMs`. @default 1 */
  readonly replicas?: number
  /** @default 0 */
  readonly coldStartMs?: number
  /** The scale-up fails with this text. */
  readonly scaleError?: string
  /** More fields of the list's item, also illegal ones. */
  readonly extra?: Readonly<Record<string, unknown>>
}

const rawHeaders = (headers: Readonly<Record<string, string | readonly string[]>> = {}): RawHeaders =>
  Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : value.map((one) => [name, one] as const),
  )

const toReply = (given: FakeReply): FunctionReply => {
  if (given === undefined) return {}
  if (typeof given === 'string' || given instanceof Uint8Array) return { body: given }
  return {
    ...(given.status === undefined ? {} : { status: given.status }),
    headers: rawHeaders(given.headers),
    ...(given.body === undefined ? {} : { body: given.body }),
  }
}

const withHelpers = (call: FunctionCall): FakeCall => ({
  ...call,
  header: (name) => headerValue(call.headers, name),
  headerValues: (name) => headerValues(call.headers, name),
  text: () => call.body.toString(),
  json: () => JSON.parse(call.body.toString()) as unknown,
})

/** A function that runs in the test's own process. */
export const fakeFunction = (name: string, namespace: string | undefined, spec: FakeFunctionSpec): GatewayFunction => {
  let replicas = spec.replicas ?? 1
  let waking: Promise<void> | undefined
  const wake = async (): Promise<void> => {
    await sleep(spec.coldStartMs ?? 0, undefined, { ref: false })
    waking = undefined
    if (spec.scaleError !== undefined) throw new Error(spec.scaleError)
    replicas = 1
  }
  return {
    get status(): FunctionStatus {
      return {
        name,
        image: spec.image ?? `example/${name}:latest`,
        ...(namespace === undefined ? {} : { namespace }),
        ...(spec.labels === undefined ? {} : { labels: spec.labels }),
        ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
        replicas,
        availableReplicas: replicas,
        createdAt: spec.createdAt ?? '2024-01-01T00:00:00Z',
        ...spec.extra,
      }
    },
    get replicas() {
      return replicas
    },
    scaleUp: () => (waking ??= wake()),
    invoke: async (call) => toReply(await spec.handler?.(withHelpers(call))),
  }
}
