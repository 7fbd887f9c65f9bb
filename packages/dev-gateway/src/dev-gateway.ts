import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  createFaultPlan,
  describeError,
  isMillraceError,
  MillraceError,
  parseFaultPlan,
  startGatewayServer,
  type FaultPlan,
  type FaultPlanSpec,
  type GatewayObserver,
  type GatewayServer,
  type RecordedRequest,
} from '@millrace/sdk/testing/gateway'
import { createEventBus, type DevGatewayEmitter, type EventBus, type Invocation } from './events.ts'
import { FunctionSet } from './function-set.ts'
import { readStack } from './stack/read-stack.ts'
import type { Variables } from './stack/substitute.ts'
import { watchFiles } from './watch-files.ts'

export interface DevGatewayOptions {
  /** Path of a stack file. */
  readonly stack: string
  /** @default '127.0.0.1' */
  readonly host?: string
  /** 0 picks a free one. @default 0 */
  readonly port?: number
  /** Asked for on `/system/*`. @default none */
  readonly basicAuth?: { readonly user: string; readonly password: string }
  /** A path is read again at each reload. @default none */
  readonly faultPlan?: string | FaultPlanSpec
  /** Values for `${NAME}` in the stack file. @default none */
  readonly variables?: Variables
  /** Reload when the stack, a handler or the fault plan changes. @default true */
  readonly watch?: boolean
  /** `/async-function/` exists. @default true */
  readonly async?: boolean
  /** Of functions that name none. @default 'openfaas-fn' */
  readonly namespace?: string
  /** The gateway's own limit of a call. @default 60_000 */
  readonly upstreamTimeoutMs?: number
  /** Gets the events from the first moment on, also those of the start. */
  readonly subscribe?: (events: DevGatewayEmitter) => void
}

/** A running gateway over a stack file. */
export interface DevGateway extends AsyncDisposable {
  /** `http://HOST:PORT`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Functions deployed now, as `NAME.NAMESPACE`. */
  readonly functions: readonly string[]
  readonly events: DevGatewayEmitter
  /** Reads stack and fault plan again. Rejects, and keeps the last good ones, when they cannot be used. */
  reload(): Promise<void>
  /** Stops listening, cuts connections, ends all functions. */
  close(): Promise<void>
}

const readPlan = (plan: string | FaultPlanSpec | undefined): FaultPlanSpec => {
  if (typeof plan !== 'string') return plan ?? {}
  let text: string
  try {
    text = readFileSync(plan, 'utf8')
  } catch (error) {
    throw new MillraceError('E_STACK_READ', { file: plan, reason: describeError(error) }, error)
  }
  return parseFaultPlan(text, plan)
}

/** A plan that can be exchanged while requests go on. */
const exchangeable = (first: FaultPlan): FaultPlan & { exchange(next: FaultPlan): void } => {
  let current = first
  return {
    decide: (subject) => current.decide(subject),
    add: (...rules) => current.add(...rules),
    clear: () => current.clear(),
    get active() {
      return current.active
    },
    exchange(next) {
      current = next
    },
  }
}

const toInvocation = (request: RecordedRequest, durationMs: number): Invocation => {
  const { topic, eventId, attempt, status, fault } = request
  return {
    function: request.function,
    method: request.method,
    durationMs,
    queued: request.kind === 'async-function',
    ...(topic === undefined ? {} : { topic }),
    ...(eventId === undefined ? {} : { eventId }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(status === undefined ? {} : { status }),
    ...(fault === undefined ? {} : { fault }),
  }
}

const observerOf = (bus: EventBus): GatewayObserver => ({
  finished(request, durationMs) {
    if (request.function !== '') bus.emit('function:invoked', toInvocation(request, durationMs))
  },
  asyncFailed: (what, reason) => bus.emit('async:failed', { what, reason }),
})

const listenError = (error: unknown, host: string, port: number): unknown => {
  if (isMillraceError(error)) return error
  const code = (error as { code?: unknown }).code
  if (code === 'EADDRINUSE') return new MillraceError('E_DEVGATEWAY_PORT_IN_USE', { host, port }, error)
  return typeof code === 'string' ? new MillraceError('E_DEVGATEWAY_LISTEN', { host, port, reason: describeError(error) }, error) : error
}

/** Stack, functions and fault plan: what a reload replaces. */
class Deployment {
  readonly functions: FunctionSet
  readonly faults: ReturnType<typeof exchangeable> = exchangeable(createFaultPlan())
  readonly #options: DevGatewayOptions
  readonly #bus: EventBus
  readonly #files: ReturnType<typeof watchFiles> | undefined
  #turn: Promise<void> = Promise.resolve()
  #plan = ''
  #loaded = false
  #closed = false

  constructor(options: DevGatewayOptions, bus: EventBus) {
    this.#options = options
    this.#bus = bus
    this.functions = new FunctionSet(bus, options.namespace ?? 'openfaas-fn')
    const again = (): void => void this.load().catch(() => undefined)
    this.#files = options.watch === false ? undefined : watchFiles(again)
  }

  /** One after the other: a reload that comes while one runs starts after it. */
  load(): Promise<void> {
    const next = this.#turn.then(async () => {
      if (this.#closed) return
      try {
        await this.#load()
        this.#loaded = true
      } catch (error) {
        // The first time there is nothing to keep: the error is the answer of the start.
        if (this.#loaded) this.#bus.emit('stack:refused', { error: error instanceof Error ? error : new Error(describeError(error)) })
        throw error
      }
    })
    this.#turn = next.catch(() => undefined)
    return next
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#files?.close()
    await this.#turn
    await this.functions.close()
  }

  async #load(): Promise<void> {
    const { stack: path, variables = {}, faultPlan } = this.#options
    const stack = readStack(path, variables)
    const plan = readPlan(faultPlan)
    const changed = await this.functions.replace(stack.functions, new Date().toISOString())
    // Counters of a plan that has not changed go on.
    const text = JSON.stringify(plan)
    if (text !== this.#plan) this.faults.exchange(createFaultPlan(plan))
    this.#plan = text
    const folders = stack.functions.flatMap(({ runs }) => (runs.kind === 'handler' ? [runs.handler.folder] : []))
    this.#files?.set([dirname(stack.file), ...(typeof faultPlan === 'string' ? [dirname(resolve(faultPlan))] : []), ...folders])
    this.#bus.emit('stack:reloaded', { functions: this.functions.size, changed, warnings: stack.warnings })
  }
}

/**
 * Starts an OpenFaaS-compatible gateway over a stack file.
 *
 * @throws MillraceError `E_STACK_READ`, `E_STACK_INVALID`, `E_STACK_HANDLER`, `E_FAULTPLAN_INVALID`,
 *   `E_DEVGATEWAY_PORT_IN_USE`, `E_DEVGATEWAY_LISTEN`. Nothing is left running then.
 */
export const startDevGateway = async (options: DevGatewayOptions): Promise<DevGateway> => {
  const { host = '127.0.0.1', port = 0 } = options
  const bus = createEventBus()
  options.subscribe?.(bus)
  const deployment = new Deployment(options, bus)
  let server: GatewayServer
  try {
    await deployment.load()
    server = await startGatewayServer({
      provider: deployment.functions,
      host,
      port,
      faults: deployment.faults,
      observer: observerOf(bus),
      ...(options.basicAuth === undefined ? {} : { basicAuth: options.basicAuth }),
      ...(options.async === undefined ? {} : { async: options.async }),
      ...(options.upstreamTimeoutMs === undefined ? {} : { upstreamTimeoutMs: options.upstreamTimeoutMs }),
    })
  } catch (error) {
    await deployment.close()
    throw listenError(error, host, port)
  }
  const close = async (): Promise<void> => {
    await server.close()
    await deployment.close()
  }
  return {
    url: server.url,
    port: server.port,
    get functions() {
      return deployment.functions.list().map(({ status }) => `${status.name}.${status.namespace ?? ''}`)
    },
    events: bus,
    reload: () => deployment.load(),
    close,
    [Symbol.asyncDispose]: close,
  }
}
