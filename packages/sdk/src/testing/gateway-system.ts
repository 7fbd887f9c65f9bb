import { createHash, timingSafeEqual } from 'node:crypto'
import { answer, answerError, answerNotFound, answerText, type Exchange, type GatewaySettings } from './gateway-exchange.ts'
import type { FunctionStatus } from './gateway-provider.ts'
import { servedBy } from './gateway-headers.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares digests, so that the time says nothing of how much was right, nor of the length. */
const allowed = (exchange: Exchange, settings: GatewaySettings): boolean => {
  if (settings.basicAuth === undefined) return true
  const given = exchange.recorded.header('authorization') ?? ''
  const token = /^basic +(\S+) *$/i.exec(given)?.[1] ?? ''
  const { user, password } = settings.basicAuth
  return timingSafeEqual(digest(Buffer.from(token, 'base64').toString()), digest(`${user}:${password}`))
}

const answerJson = (exchange: Exchange, value: unknown): void =>
  answer(exchange, 200, [['Content-Type', 'application/json']], JSON.stringify(value))

/** Go's `omitempty`: what is zero or empty is left out. */
const onTheWire = (status: FunctionStatus): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined && value !== 0 && value !== '' && value !== false))

const listFunctions = (exchange: Exchange, { provider }: GatewaySettings, asked: string): void => {
  const namespaces = provider.namespaces() ?? []
  const fallback = namespaces[0]
  if (asked !== '' && fallback !== undefined && !namespaces.includes(asked))
    return answerError(exchange, 400, `namespace must be: ${fallback}`)
  const wanted = asked === '' ? fallback : asked
  const all = provider.list().filter(({ status }) => fallback === undefined || status.namespace === wanted)
  answerJson(
    exchange,
    all.map(({ status }) => onTheWire(status)),
  )
}

const describeFunction = (exchange: Exchange, { provider }: GatewaySettings, name: string, namespace: string): void => {
  const found = provider.find(name, namespace === '' ? undefined : namespace)
  // faas-provider answers without a body here.
  if (found === undefined) return answerText(exchange, 404, '')
  answerJson(exchange, onTheWire(found.status))
}

const info = {
  provider: { provider: 'millrace-dev-gateway', version: { commit_message: '', sha: '', release: '0.1.0' }, orchestration: 'millrace' },
  version: { commit_message: '', sha: '', release: servedBy.slice(servedBy.indexOf('/') + 1) },
  arch: 'x86_64',
}

const functionRoute = /^\/system\/function\/([-a-zA-Z_0-9.]+)$/

/** `/healthz` and `/system/*`. */
export const answerSystem = (exchange: Exchange, settings: GatewaySettings): void => {
  const { path, query, method } = exchange.target
  const described = functionRoute.exec(path)?.[1]
  const known = ['/healthz', '/system/namespaces', '/system/functions', '/system/info'].includes(path) || described !== undefined
  if (!known) return answerNotFound(exchange)
  if (method !== 'GET' && method !== 'HEAD') return answer(exchange, 405, [])
  if (path === '/healthz') return answerText(exchange, 200, 'OK')
  if (!allowed(exchange, settings))
    return answerText(exchange, 401, 'invalid credentials', [['WWW-Authenticate', 'Basic realm="Restricted"']])
  const namespace = new URLSearchParams(query).get('namespace') ?? ''
  if (path === '/system/functions') return listFunctions(exchange, settings, namespace)
  if (path === '/system/namespaces') return answerJson(exchange, settings.provider.namespaces())
  if (path === '/system/info') return answerJson(exchange, info)
  describeFunction(exchange, settings, described ?? '', namespace)
}
