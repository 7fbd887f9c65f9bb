import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFaultPlan, type FaultPlan } from './fault-plan.ts'
import type { GatewayProvider } from './gateway-provider.ts'
import type { RecordedRequest, RequestTarget } from './recorded-request.ts'

/** Sees every request, also those that break. Must not throw. */
export interface GatewayObserver {
  /** The whole request is read; nothing has been answered. */
  received?(request: RecordedRequest): void
  /** The answer is written, or the connection is gone. */
  finished?(request: RecordedRequest, durationMs: number): void
  /** A callback of the asynchronous path could not be delivered, or the queue's worker could not reach the gateway. */
  asyncFailed?(what: string, reason: string): void
}

/** How the gateway behaves. */
export interface GatewayServerOptions {
  readonly provider: GatewayProvider
  /** @default '127.0.0.1' */
  readonly host?: string
  /** 0 picks a free one. @default 0 */
  readonly port?: number
  /** Asked for on `/system/*`, never on `/function/*`. @default none */
  readonly basicAuth?: { readonly user: string; readonly password: string }
  /** `/async-function/` exists. @default true */
  readonly async?: boolean
  /** Messages of the asynchronous queue that run at once. @default 1, as OpenFaaS CE */
  readonly asyncWorkers?: number
  /** Hold calls at zero replicas; false answers 503 at once. @default true */
  readonly scaleFromZero?: boolean
  /** After it the caller gets 502 without a body. @default 60_000 */
  readonly upstreamTimeoutMs?: number
  /** After it the connection is closed without an answer. @default none */
  readonly writeTimeoutMs?: number
  /** Larger request bodies get 413. @default 64 MiB */
  readonly maxBodyBytes?: number
  readonly faults?: FaultPlan
  readonly observer?: GatewayObserver
}

/** The options with their defaults. */
export interface GatewaySettings {
  readonly provider: GatewayProvider
  readonly host: string
  readonly basicAuth: { readonly user: string; readonly password: string } | undefined
  readonly async: boolean
  readonly asyncWorkers: number
  readonly scaleFromZero: boolean
  readonly upstreamTimeoutMs: number
  readonly writeTimeoutMs: number | undefined
  readonly maxBodyBytes: number
  readonly faults: FaultPlan
  readonly observer: GatewayObserver
}

export const compileGatewayOptions = (options: GatewayServerOptions): GatewaySettings => ({
  provider: options.provider,
  host: options.host ?? '127.0.0.1',
  basicAuth: options.basicAuth,
  async: options.async ?? true,
  asyncWorkers: options.asyncWorkers ?? 1,
  scaleFromZero: options.scaleFromZero ?? true,
  upstreamTimeoutMs: options.upstreamTimeoutMs ?? 60_000,
  writeTimeoutMs: options.writeTimeoutMs,
  maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
  faults: options.faults ?? createFaultPlan(),
  observer: options.observer ?? {},
})

/** One request with its way back. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: RequestTarget
  readonly recorded: RecordedRequest
  /** Aborts when the caller has left or the server closes. */
  readonly signal: AbortSignal
}

type Headers = readonly (readonly [string, string])[]

/** Writes a complete answer with exactly these headers (and `Date`). */
export const answer = (exchange: Exchange, status: number, headers: Headers, body: string | Uint8Array = ''): void => {
  const { response, recorded } = exchange
  if (response.headersSent || response.destroyed) return
  const bodiless = status === 204 || status === 304
  const lines = headers.flat()
  if (!bodiless) lines.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length))
  // Go's server says nothing of the connection when it stays open.
  response.removeHeader('connection')
  recorded.status = status
  response.writeHead(status, lines)
  response.end(bodiless ? undefined : body)
}

const plain: readonly [string, string] = ['Content-Type', 'text/plain; charset=utf-8']

/** What Go's `http.Error` sends: one line of text with its newline, and `nosniff`. */
export const answerError = (exchange: Exchange, status: number, text: string, more: Headers = []): void =>
  answer(exchange, status, [plain, ['X-Content-Type-Options', 'nosniff'], ...more], `${text}\n`)

/** Text as the gateway's own handlers write it: without a newline. */
export const answerText = (exchange: Exchange, status: number, text: string, more: Headers = []): void =>
  answer(exchange, status, [plain, ...more], text)

export const answerNotFound = (exchange: Exchange): void => answerError(exchange, 404, '404 page not found')
