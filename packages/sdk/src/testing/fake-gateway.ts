import { createFaultPlan, type FaultPlan, type FaultPlanSpec } from './fault-plan.ts'
import { fakeFunction, type FakeFunctionSpec, type FakeHandler } from './fake-function.ts'
import type { GatewayFunction, GatewayProvider } from './gateway-provider.ts'
import type { GatewayServerOptions } from './gateway-exchange.ts'
import { splitCalled } from './gateway-invoke.ts'
import { startGatewayServer } from './gateway-server.ts'
import { listFaultRule, type ListFault, type ListFaultOptions } from './list-faults.ts'
import type { RecordedRequest } from './recorded-request.ts'

export interface FakeGatewayOptions extends Omit<GatewayServerOptions, 'provider' | 'faults' | 'observer'> {
  /** Keys are `NAME` (in the first namespace) or `NAME.NAMESPACE`. */
  readonly functions?: Readonly<Record<string, FakeFunctionSpec | FakeHandler>>
  /**
   * What `/system/namespaces` says; more can be added by functions of other namespaces.
   * `[]` or `null`: a gateway without namespaces, whose functions have none. @default ['openfaas-fn']
   */
  readonly namespaces?: readonly string[] | null
  /** Rules that are there from the start. */
  readonly faults?: FaultPlanSpec
  /** Requests kept in `requests` and `systemRequests` each; older ones are forgotten. @default 100_000 */
  readonly maxRecorded?: number
}

/** Faults of the function list. */
export interface ListFaults {
  /** Replaces the list fault that was set before, if any. */
  set(fault: ListFault, options?: ListFaultOptions): void
  /** Adds one beside those set before, e.g. one failing namespace among several. The result takes it out. */
  add(fault: ListFault, options?: ListFaultOptions): () => void
  /** Takes all out. */
  clear(): void
}

/** A gateway in the test's process, on a port of 127.0.0.1, with functions that the test writes. */
export interface FakeGateway extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Requests of `/function/` and `/async-function/`, in the order of arrival, answered or not. */
  readonly requests: readonly RecordedRequest[]
  /** All other requests: `/system/*`, `/healthz` and unknown paths. */
  readonly systemRequests: readonly RecordedRequest[]
  /** Requests of one function, by the name as it was called or the bare name. */
  requestsOf(name: string): RecordedRequest[]
  /**
   * Resolves with `requests` when there are so many of them, or the predicate holds; tried after each arrival and each answer.
   * Rejects after `timeoutMs`, saying how many there were. @default timeoutMs 5000
   */
  waitFor(wanted: number | ((requests: readonly RecordedRequest[]) => boolean), timeoutMs?: number): Promise<readonly RecordedRequest[]>
  /** Forgets what was recorded. */
  clearRequests(): void
  /** Deploys or replaces a function. */
  setFunction(name: string, spec: FakeFunctionSpec | FakeHandler): void
  /** Sets, changes or (with `undefined`) removes annotations of a deployed function. */
  annotate(name: string, annotations: Readonly<Record<string, string | undefined>>): void
  removeFunction(name: string): void
  /** What `/system/namespaces` says from now on. */
  setNamespaces(namespaces: readonly string[] | null): void
  /** The fault plan; rules can be added and taken out at any time. */
  readonly faults: FaultPlan
  readonly listFaults: ListFaults
  /** Asynchronous calls that are queued or running. */
  readonly queued: number
  /** Refuses connections until `up()`; open ones are cut. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

interface Deployed {
  spec: FakeFunctionSpec
  fn: GatewayFunction
}

/** The functions of the fake gateway. */
class FakeProvider implements GatewayProvider {
  declared: readonly string[] | null
  readonly #deployed = new Map<string, Deployed>()

  constructor(declared: readonly string[] | null) {
    this.declared = declared
  }

  namespaces(): readonly string[] | null {
    return this.declared
  }

  list(): readonly GatewayFunction[] {
    return [...this.#deployed.values()].map(({ fn }) => fn)
  }

  find(name: string, namespace: string | undefined): GatewayFunction | undefined {
    return this.#deployed.get(this.#key(name, namespace))?.fn
  }

  set(called: string, given: FakeFunctionSpec | FakeHandler): void {
    const spec = typeof given === 'function' ? { handler: given } : given
    const { name, namespace } = splitCalled(called, this.#namespaced)
    const fn = fakeFunction(name, namespace ?? this.declared?.[0], spec)
    this.#deployed.set(this.#key(name, namespace), { spec, fn })
  }

  annotate(called: string, annotations: Readonly<Record<string, string | undefined>>): void {
    const { name, namespace } = splitCalled(called, this.#namespaced)
    const spec = this.#deployed.get(this.#key(name, namespace))?.spec
    if (spec === undefined) throw new Error(`the fake gateway has no function ${called}`)
    const merged = Object.entries({ ...spec.annotations, ...annotations }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    )
    this.set(called, { ...spec, annotations: Object.fromEntries(merged) })
  }

  remove(called: string): void {
    const { name, namespace } = splitCalled(called, this.#namespaced)
    this.#deployed.delete(this.#key(name, namespace))
  }

  get #namespaced(): boolean {
    return (this.declared ?? []).length > 0
  }

  #key(name: string, namespace: string | undefined): string {
    return `${name}.${namespace ?? this.declared?.[0] ?? ''}`
  }
}

type Waiter = (requests: readonly RecordedRequest[]) => void

/** What was received, and who waits for it. */
class Recorder {
  calls: RecordedRequest[] = []
  system: RecordedRequest[] = []
  readonly #max: number
  readonly #waiters = new Set<Waiter>()

  constructor(max: number) {
    this.#max = max
  }

  received(request: RecordedRequest): void {
    const list = request.kind === 'function' || request.kind === 'async-function' ? this.calls : this.system
    list.push(request)
    if (list.length > this.#max) list.splice(0, Math.ceil(this.#max / 10))
    this.wake()
  }

  wake(): void {
    for (const waiter of this.#waiters) waiter(this.calls)
  }

  waitFor(wanted: (requests: readonly RecordedRequest[]) => boolean, timeoutMs: number): Promise<readonly RecordedRequest[]> {
    if (wanted(this.calls)) return Promise.resolve(this.calls)
    return new Promise((resolve, reject) => {
      const settle = (run: () => void): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        run()
      }
      const waiter: Waiter = (requests) => {
        if (wanted(requests)) settle(() => resolve(requests))
      }
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(
              new Error(`the fake gateway did not see what was waited for within ${timeoutMs} ms: ${this.calls.length} requests so far`),
            ),
          ),
        timeoutMs,
      )
      this.#waiters.add(waiter)
    })
  }
}

const listFaultsOf = (plan: FaultPlan): ListFaults => {
  let placed: (() => void)[] = []
  const clear = (): void => {
    for (const remove of placed) remove()
    placed = []
  }
  const add = (fault: ListFault, options?: ListFaultOptions): (() => void) => {
    const remove = plan.add(listFaultRule(fault, options))
    placed.push(remove)
    return remove
  }
  return {
    add,
    clear,
    set(fault, options) {
      clear()
      add(fault, options)
    },
  }
}

/**
 * Starts a gateway for a test. Nothing outlives `close()`.
 *
 * @example
 * await using gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' }, handler: () => 'ok' } } })
 * gateway.faults.add({ match: { function: 'orders', attempt: 1 }, then: { status: 503 } })
 * // ... start a connector with gateway.url
 * await gateway.waitFor((requests) => requests.some((request) => request.attempt === 2 && request.status === 200))
 */
export const fakeGateway = async (options: FakeGatewayOptions = {}): Promise<FakeGateway> => {
  const { functions = {}, namespaces = ['openfaas-fn'], faults: planned, maxRecorded = 100_000, ...face } = options
  const provider = new FakeProvider(namespaces)
  for (const [name, spec] of Object.entries(functions)) provider.set(name, spec)
  const faults = createFaultPlan(planned)
  const recorder = new Recorder(maxRecorded)
  const server = await startGatewayServer({
    ...face,
    provider,
    faults,
    observer: { received: (request) => recorder.received(request), finished: () => recorder.wake() },
  })
  return {
    url: server.url,
    port: server.port,
    get requests() {
      return recorder.calls
    },
    get systemRequests() {
      return recorder.system
    },
    requestsOf: (name) =>
      recorder.calls.filter((request) => request.function === name || splitCalled(request.function, true).name === name),
    waitFor: (wanted, timeoutMs = 5000) =>
      recorder.waitFor(typeof wanted === 'number' ? (requests) => requests.length >= wanted : wanted, timeoutMs),
    clearRequests() {
      recorder.calls = []
      recorder.system = []
    },
    setFunction: (name, spec) => provider.set(name, spec),
    annotate: (name, annotations) => provider.annotate(name, annotations),
    removeFunction: (name) => provider.remove(name),
    setNamespaces(declared) {
      provider.declared = declared
    },
    faults,
    listFaults: listFaultsOf(faults),
    get queued() {
      return server.queued
    },
    down: () => server.down(),
    up: () => server.up(),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
