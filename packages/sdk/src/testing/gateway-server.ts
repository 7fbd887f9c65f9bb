import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAsyncQueue, type AsyncQueue } from './gateway-async.ts'
import {
  answer,
  answerError,
  answerNotFound,
  compileGatewayOptions,
  type Exchange,
  type GatewayServerOptions,
  type GatewaySettings,
} from './gateway-exchange.ts'
import type { FaultSubject } from './fault-plan.ts'
import { pairs } from './gateway-headers.ts'
import { answerInvocation, answerSystemFault, pauseFor } from './gateway-invoke.ts'
import { answerSystem } from './gateway-system.ts'
import { RecordedRequest, type RequestKind, type RequestTarget } from './recorded-request.ts'

/** A listening gateway. */
export interface GatewayServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Calls of the asynchronous path that are queued or running. */
  readonly queued: number
  /** Stops listening and cuts every connection: the next connect is refused. */
  down(): Promise<void>
  /** Listens again on the same port. */
  up(): Promise<void>
  /** `down()` for good; forgets the asynchronous queue. */
  close(): Promise<void>
}

const route = /^\/(function|async-function)\/([-a-zA-Z_0-9.]+)(\/.*)?$/s

/** `..`, `.` and their encoded forms: the router would clean the path; nothing legal contains them. */
const hasDotSegment = (path: string): boolean =>
  path.split('/').some((segment) => ['.', '..'].includes(segment.replaceAll(/%2e/gi, '.'))) || /%2f|%5c|\\/i.test(path)

/** Reads a request target. Anything but a legal path of the gateway is of kind `other`. */
export const readTarget = (method: string, url: string): RequestTarget => {
  const target = /^https?:\/\/[^/?]*/i.test(url) ? url.replace(/^https?:\/\/[^/?]*/i, '') || '/' : url
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const base = { method, target, path, query }
  if (hasDotSegment(path)) return { ...base, kind: 'other' }
  const called = route.exec(path)
  if (called?.[2] !== undefined) return { ...base, kind: called[1] as RequestKind, function: called[2], suffix: called[3] ?? '' }
  return { ...base, kind: path === '/healthz' || path.startsWith('/system/') ? 'system' : 'other' }
}

/** The body, or undefined when it is over the limit. Rejects when the caller leaves. */
const readBody = (request: IncomingMessage, limit: number): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else resolve(undefined)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the caller has left')))
  })

const subjectOf = (recorded: RecordedRequest): FaultSubject => {
  const { topic, eventId, attempt } = recorded
  const namespace = recorded.query === '' ? null : new URLSearchParams(recorded.query).get('namespace')
  return {
    method: recorded.method,
    path: recorded.path,
    ...(recorded.function === '' ? {} : { function: recorded.function }),
    ...(topic === undefined ? {} : { topic }),
    ...(eventId === undefined ? {} : { event: eventId }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(namespace === null ? {} : { namespace }),
  }
}

const dispatch = async (exchange: Exchange, settings: GatewaySettings, queue: AsyncQueue | undefined): Promise<void> => {
  const fault = settings.faults.decide(subjectOf(exchange.recorded))
  if (fault !== undefined) exchange.recorded.fault = fault.rule
  const wait = fault?.action.latencyMs ?? 0
  if (wait > 0) await pauseFor(wait, exchange.signal)
  if (exchange.signal.aborted) return
  const { kind } = exchange.target
  if (kind === 'function') return answerInvocation(exchange, settings, fault?.action)
  if (await answerSystemFault(exchange, fault?.action)) return
  if (kind === 'system') return answerSystem(exchange, settings)
  if (kind === 'async-function' && queue !== undefined) return queue.accept(exchange)
  answerNotFound(exchange)
}

/** One request, from its head to the end of its connection or answer. Never rejects. */
const serve = async (request: IncomingMessage, response: ServerResponse, settings: GatewaySettings, queue: AsyncQueue | undefined) => {
  const started = performance.now()
  const left = new AbortController()
  const target = readTarget(request.method ?? 'GET', request.url ?? '/')
  const body = await readBody(request, settings.maxBodyBytes).catch(() => null)
  if (body === null) return
  const recorded = new RecordedRequest(target, pairs(request.rawHeaders), body ?? Buffer.alloc(0), Date.now())
  const exchange: Exchange = { request, response, target, recorded, signal: left.signal }
  const cut = settings.writeTimeoutMs === undefined ? undefined : setTimeout(() => request.socket.destroy(), settings.writeTimeoutMs)
  response.once('close', () => {
    clearTimeout(cut)
    left.abort()
    settings.observer.finished?.(recorded, performance.now() - started)
  })
  if (body === undefined) return answerError(exchange, 413, 'request body too large', [['Connection', 'close']])
  settings.observer.received?.(recorded)
  try {
    await dispatch(exchange, settings, queue)
  } catch {
    // A header or status that HTTP does not allow, from a function or a fault plan.
    answer(exchange, 500, [])
    if (!response.writableEnded) response.destroy()
  }
}

const badRequest = 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request'

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })

/**
 * Starts the HTTP face of an OpenFaaS gateway over a provider.
 * Rejects with the system's error when the port cannot be had (`EADDRINUSE`, `EACCES`).
 */
export const startGatewayServer = async (options: GatewayServerOptions): Promise<GatewayServer> => {
  const settings = compileGatewayOptions(options)
  let url = ''
  const queue = settings.async
    ? createAsyncQueue({ workers: settings.asyncWorkers, gateway: () => new URL(url), observer: settings.observer })
    : undefined
  // Go's server takes 1 MiB of headers; Node's limits in time would answer 408, which no gateway does.
  const server = createServer({ maxHeaderSize: 1024 * 1024, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 65_000, noDelay: true })
  server.maxHeadersCount = 0
  server.on('request', (request, response) => void serve(request, response, settings, queue))
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(badRequest)
    else socket.destroy()
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listen(server, settings.host, options.port ?? 0)
  url = `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`

  const down = async (): Promise<void> => {
    if (!server.listening) return
    await new Promise((resolve) => {
      server.close(resolve)
      for (const socket of sockets) socket.destroy()
    })
  }
  const close = async (): Promise<void> => {
    queue?.close()
    await down()
  }
  return {
    url,
    port,
    get queued() {
      return queue?.length ?? 0
    },
    down,
    up: async () => void (server.listening || (await listen(server, settings.host, port))),
    close,
    [Symbol.asyncDispose]: close,
  }
}
