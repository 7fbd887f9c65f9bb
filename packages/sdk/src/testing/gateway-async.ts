import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { describeError } from '../core/errors.ts'
import { answer, answerError, answerText, type Exchange, type GatewayObserver } from './gateway-exchange.ts'
import { markCall, pairs } from './gateway-headers.ts'
import { headerValue, type RawHeaders } from './gateway-provider.ts'

/** The limit of OpenFaaS CE for asynchronous bodies. */
const maxAsyncBytes = 256_000

/** One recorded call. */
interface Queued {
  readonly target: string
  readonly headers: RawHeaders
  readonly body: Buffer
  readonly function: string
  readonly callback: URL | undefined
}

/** The asynchronous path: a queue in memory, its worker, and callbacks. */
export interface AsyncQueue {
  /** Answers `/async-function/...`. */
  accept(exchange: Exchange): void
  /** Calls queued and running. */
  readonly length: number
  /** Forgets what is queued and cuts what runs. */
  close(): void
}

/** What a worker needs. */
export interface AsyncQueueOptions {
  readonly workers: number
  /** Where the worker calls: this gateway. */
  readonly gateway: () => URL
  readonly observer: GatewayObserver
}

interface Answer {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Buffer
}

/** One POST, without redirects. */
const post = (url: URL, headers: RawHeaders, body: Buffer, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const kept = headers.filter(([name]) => !['content-length', 'transfer-encoding', 'connection', 'host'].includes(name.toLowerCase()))
    const lines = [...kept.flat(), 'Host', url.host, 'Content-Length', String(body.length)]
    const outgoing = send(url, { method: 'POST', headers: lines, signal, agent: false }, (incoming: IncomingMessage) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: pairs(incoming.rawHeaders), body: Buffer.concat(chunks) }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })

const callbackOf = (headers: RawHeaders): URL | 'none' | 'bad' => {
  const given = headerValue(headers, 'x-callback-url')
  if (given === undefined || given === '') return 'none'
  const url = URL.canParse(given) ? new URL(given) : undefined
  return url !== undefined && ['http:', 'https:'].includes(url.protocol) ? url : 'bad'
}

const notForCallbacks: ReadonlySet<string> = new Set(['date', 'connection', 'keep-alive', 'x-duration-seconds', 'x-call-id'])

const callbackHeaders = (job: Queued, given: Answer, seconds: number): [string, string][] => [
  ...given.headers.filter(([name]) => !notForCallbacks.has(name.toLowerCase())).map(([name, value]): [string, string] => [name, value]),
  ['X-Call-Id', headerValue(job.headers, 'x-call-id') ?? ''],
  ['X-Duration-Seconds', seconds.toFixed(6)],
  ['X-Function-Status', String(given.status)],
  ['X-Function-Name', job.function],
]

export const createAsyncQueue = (options: AsyncQueueOptions): AsyncQueue => {
  const waiting: Queued[] = []
  const stop = new AbortController()
  let running = 0

  const work = async (job: Queued): Promise<void> => {
    const started = performance.now()
    const agent: [string, string] = ['User-Agent', 'openfaas-ce/nats-queue-worker']
    const headers = [...job.headers.filter(([name]) => name.toLowerCase() !== 'user-agent'), agent]
    // CE's worker acknowledges whatever comes; a failure of the transport is reported to the callback as 503.
    const given = await post(new URL(job.target, options.gateway()), headers, job.body, stop.signal).catch((error: unknown): Answer => {
      options.observer.asyncFailed?.(job.function, describeError(error))
      return { status: 503, headers: [], body: Buffer.alloc(0) }
    })
    if (job.callback === undefined) return
    const seconds = (performance.now() - started) / 1000
    await post(job.callback, callbackHeaders(job, given, seconds), given.body, stop.signal).catch((error: unknown) =>
      options.observer.asyncFailed?.(`callback of ${job.function}`, describeError(error)),
    )
  }

  const next = (): void => {
    while (running < options.workers && !stop.signal.aborted) {
      const job = waiting.shift()
      if (job === undefined) return
      running += 1
      void work(job).finally(() => {
        running -= 1
        next()
      })
    }
  }

  return {
    accept(exchange) {
      const { recorded, target } = exchange
      if (target.method !== 'POST') return answer(exchange, 405, [])
      const callback = callbackOf(recorded.headers)
      if (callback === 'bad') return answerText(exchange, 400, 'unable to parse X-Callback-Url')
      const size = recorded.body.length
      if (size > maxAsyncBytes) {
        const why = `request body too large for OpenFaaS CE (${size} bytes), maximum: ${maxAsyncBytes} bytes`
        return answerError(exchange, 500, `Error queuing request: ${why}`)
      }
      const marks = markCall(recorded.headers, Date.now())
      const added: [string, string][] = marks.generated ? [['X-Call-Id', marks.callId]] : []
      waiting.push({
        target: target.target.replace('/async-function/', '/function/'),
        headers: [...recorded.headers, ...added, ['X-Start-Time', marks.startTime]],
        body: recorded.body,
        function: target.function ?? '',
        callback: callback === 'none' ? undefined : callback,
      })
      answer(exchange, 202, [
        ['X-Call-Id', marks.callId],
        ['X-Start-Time', marks.startTime],
      ])
      next()
    },
    get length() {
      return waiting.length + running
    },
    close() {
      waiting.length = 0
      stop.abort()
    },
  }
}
