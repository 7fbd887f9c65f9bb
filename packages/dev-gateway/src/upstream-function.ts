import { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import type { FunctionCall, FunctionReply } from '@millrace/sdk/testing/gateway'
import type { RunningFunction } from './hosted-function.ts'

/** Made anew for this leg, or not taken by undici. */
const dropped: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'expect',
  'upgrade',
  'keep-alive',
])

const pairs = (headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one]),
  )

const unreachable = (name: string): FunctionReply => ({
  status: 500,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-OpenFaaS-Internal', 'proxy'],
  ],
  body: `Can't reach service for: ${name}.\n`,
})

/** A function that runs elsewhere: each call goes to `url` with the rest of its path. Redirects are answers, not followed. */
export const upstreamFunction = (name: string, url: string): RunningFunction => {
  const agent = new Agent({ connect: { timeout: 5000 }, headersTimeout: 0, bodyTimeout: 0 })
  return {
    settled: Promise.resolve(),
    // Calls under way hold their sockets: closing waits for them.
    idle: () => agent.close(),
    close: () => agent.destroy(),
    async invoke(call: FunctionCall) {
      const target = `${url}${call.path === '' ? '/' : call.path}${call.query === '' ? '' : `?${call.query}`}`
      const headers = call.headers.filter(([key]) => !dropped.has(key.toLowerCase())).flat()
      try {
        const response = await request(target, {
          dispatcher: agent,
          method: call.method as 'POST',
          headers,
          // A stream has no length, so the body goes out chunked, as the gateway's does (measured).
          body: call.body.length === 0 ? null : Readable.from([call.body]),
          signal: call.signal,
        })
        return { status: response.statusCode, headers: pairs(response.headers), body: response.body }
      } catch {
        return unreachable(name)
      }
    },
  }
}
