import { randomUUID } from 'node:crypto'
import { headerValue, type FunctionReply, type RawHeaders } from './gateway-provider.ts'

/** The version that our gateway claims, in the form of the gateway's own header values. */
export const servedBy = 'openfaas-ce/0.27.12'

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
])

/** What belongs to the connection or the framing and is made anew on each leg. */
const notForwarded = (name: string): boolean => hopByHop.has(name) || name === 'content-length'

/** `rawHeaders` of node:http as pairs. */
export const pairs = (flat: readonly string[]): [string, string][] => {
  const lines: [string, string][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) lines.push([flat[at] ?? '', flat[at + 1] ?? ''])
  return lines
}

/** What the gateway adds to an invocation. */
export interface CallMarks {
  readonly callId: string
  /** The caller sent none, so the answer carries it. */
  readonly generated: boolean
  /** Unix nanoseconds, in text. */
  readonly startTime: string
}

export const markCall = (headers: RawHeaders, nowMs: number): CallMarks => {
  const given = headerValue(headers, 'x-call-id')
  return { callId: given ?? randomUUID(), generated: given === undefined, startTime: `${Math.trunc(nowMs)}000000` }
}

/** Where an invocation came from. */
export interface Peer {
  readonly host: string
  /** `ip:port`. */
  readonly address: string
}

/** The headers that the function sees (openfaas.md 2.3, direction "to the function"). */
export const toFunction = (headers: RawHeaders, marks: CallMarks, peer: Peer, bodyBytes: number): [string, string][] => {
  const lines: [string, string][] = []
  const seen = new Set<string>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    seen.add(key)
    if (notForwarded(key) || key === 'host' || (key === 'user-agent' && value === '')) continue
    lines.push([name, value])
  }
  const unless = (key: string, name: string, value: string): void => void (seen.has(key) || lines.push([name, value]))
  if (marks.generated) lines.push(['X-Call-Id', marks.callId])
  // Appended, also when the caller set one: the function sees two values (measured).
  lines.push(['X-Start-Time', marks.startTime])
  unless('x-forwarded-host', 'X-Forwarded-Host', peer.host)
  unless('x-forwarded-for', 'X-Forwarded-For', peer.address)
  unless('user-agent', 'User-Agent', servedBy.replace('/', '-gateway/'))
  unless('accept-encoding', 'Accept-Encoding', 'gzip')
  lines.push(bodyBytes > 0 ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', '0'])
  return lines
}

/** The headers that the caller sees. Headers of the function win by name. */
export const toCaller = (
  reply: FunctionReply,
  marks: CallMarks,
  more: { readonly durationSeconds?: number; readonly contentType: string },
): [string, string][] => {
  const lines: [string, string][] = []
  const seen = new Set<string>()
  for (const [name, value] of reply.headers ?? []) {
    const key = name.toLowerCase()
    if (notForwarded(key)) continue
    seen.add(key)
    lines.push([name, value])
  }
  const unless = (key: string, name: string, value: string): void => void (seen.has(key) || lines.push([name, value]))
  unless('content-type', 'Content-Type', more.contentType)
  if (marks.generated) unless('x-call-id', 'X-Call-Id', marks.callId)
  if (more.durationSeconds !== undefined) unless('x-duration-seconds', 'X-Duration-Seconds', more.durationSeconds.toFixed(6))
  unless('x-served-by', 'X-Served-By', servedBy)
  unless('x-start-time', 'X-Start-Time', marks.startTime)
  return lines
}
