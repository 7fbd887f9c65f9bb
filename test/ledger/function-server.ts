import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createBehaviour, delayOf, type BehaviourRule, type Invocation } from './behaviour.ts'
import { appendTo, type AppendFile, type InvocationRecord } from './records.ts'

/** A function as the gateway lists it. */
export interface LedgerFunction {
  readonly name: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface FunctionServerOptions {
  /** The file of the function's side. Added to when it exists. */
  readonly path: string
  /** What `/system/functions` lists, so that the server is a gateway to a connector. @default none */
  readonly functions?: readonly LedgerFunction[]
  readonly behaviour?: readonly BehaviourRule[]
  /**
   * Where the event says who it is. `body`: the JSON of the publisher. `headers`: id by `X-Event-Id`, key by `keyHeader`, no sequence
   * (for sources whose data are not ours: a clock, a vCenter).
   * @default 'body'
   */
  readonly identify?: 'body' | 'headers'
  /** @default 'x-millrace-key' */
  readonly keyHeader?: string
  /** @default 0, a free one */
  readonly port?: number
}

/** The function's side of the ledger: a gateway with functions that note each invocation before and after. */
export interface FunctionServer {
  readonly url: string
  /** From the next invocation on. */
  setBehaviour(rules: readonly BehaviourRule[]): void | Promise<void>
  /** What the next listing says. */
  setFunctions(functions: readonly LedgerFunction[]): void | Promise<void>
  close(): Promise<void>
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1024) : '')

const json = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

const header = (request: IncomingMessage, name: string): string => text(request.headers[name])

class Functions {
  readonly #file: AppendFile<InvocationRecord>
  readonly #options: FunctionServerOptions
  #behaviour: (invocation: Invocation) => BehaviourRule
  #functions: readonly LedgerFunction[]
  #calls = 0

  constructor(options: FunctionServerOptions) {
    this.#options = options
    this.#file = appendTo(options.path)
    this.#file.add({ kind: 'boot', at: Date.now() })
    this.#behaviour = createBehaviour(options.behaviour ?? [])
    this.#functions = options.functions ?? []
  }

  set behaviour(rules: readonly BehaviourRule[]) {
    this.#behaviour = createBehaviour(rules)
  }

  set functions(functions: readonly LedgerFunction[]) {
    this.#functions = functions
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const called = /^\/function\/([^/]+)/.exec(path)?.[1]
    if (called !== undefined) return this.#invoke(called, request, response)
    const body = await readBody(request)
    if (path === '/ledger/behaviour') this.behaviour = JSON.parse(body) as BehaviourRule[]
    if (path === '/ledger/functions') this.functions = JSON.parse(body) as LedgerFunction[]
    const answer = this.#system(path)
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? null))
  }

  #system(path: string): unknown {
    switch (path) {
      case '/system/functions':
        return this.#functions.map(({ name, annotations }) => ({
          name,
          image: 'ledger',
          namespace: '',
          envProcess: '',
          labels: {},
          annotations: annotations ?? {},
          replicas: 1,
          availableReplicas: 1,
          invocationCount: 0,
        }))
      case '/system/namespaces':
        return []
      case '/system/info':
        return {
          provider: { provider: 'ledger', version: { release: '0', sha: '' }, orchestration: 'test' },
          version: { release: '0', sha: '' },
        }
      case '/healthz':
      case '/ledger/behaviour':
      case '/ledger/functions':
        return {}
      default:
        return undefined
    }
  }

  #identify(request: IncomingMessage, body: string): Omit<Invocation, 'function' | 'call'> {
    const attempt = Number(header(request, 'x-delivery-attempt')) || 0
    if (this.#options.identify === 'headers') {
      return { id: header(request, 'x-event-id'), key: header(request, this.#options.keyHeader ?? 'x-millrace-key'), sequence: -1, attempt }
    }
    const { id, key, sequence } = json(body)
    return { id: text(id), key: text(key), sequence: typeof sequence === 'number' ? sequence : -1, attempt }
  }

  async #invoke(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const invocation: Invocation = { function: name, call: this.#calls++, ...this.#identify(request, body) }
    const { call } = invocation
    this.#file.add({ kind: 'start', ...invocation, at: Date.now() })
    const left = new AbortController()
    let ended = false
    const end = (status: number): boolean => {
      if (ended) return false
      ended = true
      this.#file.add({ kind: 'end', call, status, at: Date.now() })
      return true
    }
    response.once('close', () => {
      end(0)
      left.abort()
    })
    const rule = this.#behaviour(invocation)
    if (rule.hang === true) return
    const delay = delayOf(rule, invocation.id)
    if (delay > 0) await pause(delay, undefined, { signal: left.signal }).catch(() => undefined)
    if (rule.reset === true) {
      end(0)
      request.socket.resetAndDestroy()
      return
    }
    // The note comes first: an acknowledgement that follows from this answer can then never be older than the success.
    if (!left.signal.aborted && end(rule.status ?? 200)) response.writeHead(rule.status ?? 200, rule.headers).end(rule.body ?? '')
  }

  close(): void {
    this.#file.close()
  }
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

/** Starts the function's side in this process. Start it in one of its own with `startFunctionProcess` when this process is busy or is killed. */
export const startFunctionServer = async (options: FunctionServerOptions): Promise<FunctionServer> => {
  const functions = new Functions(options)
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    functions.handle(request, response).catch(() => response.destroy())
  })
  const port = await listen(server, options.port ?? 0)
  return {
    url: `http://127.0.0.1:${port}`,
    setBehaviour: (rules) => void (functions.behaviour = rules),
    setFunctions: (listed) => void (functions.functions = listed),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          functions.close()
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
