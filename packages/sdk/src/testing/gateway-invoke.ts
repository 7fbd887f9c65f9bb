import { describeError } from '../core/errors.ts'
import type { FaultAction } from './fault-plan.ts'
import { answer, answerError, answerText, type Exchange, type GatewaySettings } from './gateway-exchange.ts'
import { markCall, toCaller, toFunction, type CallMarks } from './gateway-headers.ts'
import { BrokenUpstream, type FunctionCall, type FunctionReply, type GatewayFunction } from './gateway-provider.ts'
import { actionHeaders, applyWireFault, drained, pourBody } from './gateway-wire.ts'

const providerMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** The namespace is what follows the last dot. */
export const splitCalled = (called: string, hasNamespaces: boolean): { name: string; namespace: string | undefined } => {
  const dot = hasNamespaces ? called.lastIndexOf('.') : -1
  return dot > 0 ? { name: called.slice(0, dot), namespace: called.slice(dot + 1) } : { name: called, namespace: undefined }
}

/** Resolves after `ms`, earlier when the caller leaves. */
export const pauseFor = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })

const scripted = (action: FaultAction): boolean =>
  action.wire !== undefined ||
  action.status !== undefined ||
  action.headers !== undefined ||
  action.body !== undefined ||
  action.bodyBytes !== undefined

/** The answer that a fault makes up. */
const answerScripted = async (exchange: Exchange, action: FaultAction, marks: CallMarks | undefined): Promise<void> => {
  if (action.wire !== undefined) return applyWireFault(action.wire, action, exchange.request)
  const reply: FunctionReply = { headers: actionHeaders(action) }
  const contentType = 'text/plain; charset=utf-8'
  const headers = marks === undefined ? [['Content-Type', contentType] as const] : toCaller(reply, marks, { contentType })
  const own = new Set(actionHeaders(action).map(([name]) => name.toLowerCase()))
  const all = marks === undefined ? [...headers.filter(([name]) => !own.has(name.toLowerCase())), ...actionHeaders(action)] : headers
  const status = action.status ?? 200
  if (action.bodyBytes === undefined) return answer(exchange, status, all, action.body)
  exchange.recorded.status = status
  exchange.response.writeHead(status, [...all.flat(), 'Content-Length', String(action.bodyBytes)])
  await pourBody(exchange.response, action.bodyBytes)
}

const stream = async (
  exchange: Exchange,
  status: number,
  lines: readonly (readonly [string, string])[],
  body: AsyncIterable<Uint8Array>,
) => {
  const { response } = exchange
  exchange.recorded.status = status
  response.removeHeader('connection')
  response.writeHead(status, lines.flat())
  try {
    for await (const piece of body) if (!response.write(piece)) await drained(response)
    response.end()
  } catch {
    response.destroy()
  }
}

const answerReply = async (exchange: Exchange, reply: FunctionReply, marks: CallMarks, seconds: number): Promise<void> => {
  const contentType = exchange.recorded.header('content-type') ?? 'text/plain'
  const lines = toCaller(reply, marks, { durationSeconds: reply.durationSeconds ?? seconds, contentType })
  const asked = reply.status ?? 200
  const status = Number.isInteger(asked) && asked >= 200 && asked <= 599 ? asked : 500
  const { body = '' } = reply
  if (typeof body === 'string' || body instanceof Uint8Array) return answer(exchange, status, lines, body)
  await stream(exchange, status, lines, body)
}

const timedOut: unique symbol = Symbol('upstream timeout')

/** Runs the function under the gateway's `upstream_timeout`. */
const run = async (fn: GatewayFunction, call: Omit<FunctionCall, 'signal'>, exchange: Exchange, limitMs: number) => {
  const limit = new AbortController()
  const abort = (): void => limit.abort()
  exchange.signal.addEventListener('abort', abort, { once: true })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => resolve(timedOut), limitMs)
  })
  try {
    const result = await Promise.race([fn.invoke({ ...call, signal: limit.signal }), late])
    if (result === timedOut) limit.abort()
    return result
  } finally {
    clearTimeout(timer)
    // A streamed body is still being read: it ends with the exchange, not here.
    if (limit.signal.aborted) exchange.signal.removeEventListener('abort', abort)
  }
}

/** Holds the call while the function is at zero. False: answered already. */
const awaken = async (fn: GatewayFunction, exchange: Exchange, qualified: string): Promise<boolean> => {
  try {
    await fn.scaleUp()
    return true
  } catch (error) {
    answerText(
      exchange,
      500,
      `error finding function ${qualified}: unable to scale function [${fn.status.name}], err: ${describeError(error)}`,
    )
    return false
  }
}

/** The function behind a call, scaled up. Undefined: answered already. */
const reach = async (exchange: Exchange, settings: GatewaySettings): Promise<GatewayFunction | undefined> => {
  const called = exchange.target.function ?? ''
  const namespaces = settings.provider.namespaces() ?? []
  const { name, namespace } = splitCalled(called, namespaces.length > 0)
  const qualified = `${name}.${namespace ?? namespaces[0] ?? ''}`
  const fn = settings.provider.find(name, namespace)
  if (settings.scaleFromZero) {
    if (fn === undefined) {
      const why = `server returned non-200 status code (404) for function, ${name}, body: `
      answerText(exchange, 404, `error finding function ${qualified}: ${why}`)
      return undefined
    }
    return fn.replicas > 0 || (await awaken(fn, exchange, qualified)) ? fn : undefined
  }
  if (fn === undefined || fn.replicas === 0) {
    answerError(exchange, 503, `No endpoints available for: ${called}.`, [['X-OpenFaaS-Internal', 'proxy']])
    return undefined
  }
  return fn
}

const callOf = ({ request, target, recorded }: Exchange, marks: CallMarks): Omit<FunctionCall, 'signal'> => ({
  called: target.function ?? '',
  method: target.method,
  path: target.suffix ?? '',
  query: target.query,
  headers: toFunction(
    recorded.headers,
    marks,
    { host: recorded.header('host') ?? '', address: `${request.socket.remoteAddress ?? ''}:${request.socket.remotePort ?? 0}` },
    recorded.body.length,
  ),
  body: recorded.body,
})

const asReply = (error: unknown): FunctionReply => ({ status: 500, body: describeError(error) })

/** `/function/NAME[.NS][/path]`. `fault` is what the plan says of it. */
export const answerInvocation = async (exchange: Exchange, settings: GatewaySettings, fault: FaultAction | undefined): Promise<void> => {
  if (!providerMethods.has(exchange.target.method)) return answer(exchange, 405, [])
  const marks = markCall(exchange.recorded.headers, Date.now())
  const made = fault !== undefined && scripted(fault) ? fault : undefined
  if (made !== undefined && made.run !== true) return answerScripted(exchange, made, marks)
  const fn = await reach(exchange, settings)
  if (fn === undefined || exchange.signal.aborted) return
  const started = performance.now()
  let reply: FunctionReply | typeof timedOut
  try {
    reply = await run(fn, callOf(exchange, marks), exchange, settings.upstreamTimeoutMs)
  } catch (error) {
    if (error instanceof BrokenUpstream) return answer(exchange, 502, toCaller({}, marks, { contentType: 'text/plain' }))
    reply = asReply(error)
  }
  if (made !== undefined) return answerScripted(exchange, made, marks)
  // The gateway's own 502: empty, with the marks of the call, without those of a watchdog.
  if (reply === timedOut) return answer(exchange, 502, toCaller({}, marks, { contentType: 'text/plain' }))
  await answerReply(exchange, reply, marks, (performance.now() - started) / 1000)
}

/** A fault on a route of the gateway itself. False: nothing scripted, go on. */
export const answerSystemFault = async (exchange: Exchange, fault: FaultAction | undefined): Promise<boolean> => {
  if (fault === undefined || !scripted(fault)) return false
  await answerScripted(exchange, fault, undefined)
  return true
}
