import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { MillraceError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/ports/logging/pino-logger.ts'
import { createAdminServer } from '../../../src/runtime/admin/admin-server.ts'
import type { AdminServer } from '../../../src/runtime/admin/admin-server.ts'
import type { AdminPages } from '../../../src/runtime/admin/admin-routes.ts'

const yes = { ok: true, reasons: [] }
const basePages: AdminPages = {
  live: () => yes,
  ready: () => yes,
  started: () => yes,
  metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'millrace_inflight 0\n' }),
  config: () => [{ name: 'gateway_url', value: 'http://g' }],
  explain: (topic) => ({ topic, matches: [] }),
}

const servers: AdminServer[] = []
const start = async (pages: Partial<AdminPages> = {}, port = 0): Promise<string> => {
  const server = createAdminServer({ host: '127.0.0.1', port, pages: { ...basePages, ...pages }, logger: silentLogger })
  servers.push(server)
  return (await server.start()).url
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

/** Sends raw bytes and gives all that comes back until the server closes. */
const raw = (url: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('close', () => resolve(answer))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(answer) : reject(error)))
  })

test('the probes answer 200, or 503 with the reasons', async () => {
  let ready = { ok: false, reasons: ['the topic map is not loaded'] }
  const url = await start({ ready: () => ready })
  const first = await fetch(`${url}/readyz`)
  expect([first.status, await first.json()]).toEqual([503, { ok: false, reasons: ['the topic map is not loaded'] }])
  ready = yes
  for (const path of ['/livez', '/healthz', '/readyz', '/startupz']) {
    const reply = await fetch(url + path)
    expect([path, reply.status, await reply.json()]).toEqual([path, 200, { ok: true, reasons: [] }])
  }
})

test('T9 liveness has nothing to do with readiness', async () => {
  const url = await start({ ready: () => ({ ok: false, reasons: ['the broker is away'] }) })
  expect((await fetch(`${url}/livez`)).status).toBe(200)
})

test('metrics, configuration and explanation', async () => {
  const url = await start()
  const metrics = await fetch(`${url}/metrics`)
  expect([metrics.headers.get('content-type'), await metrics.text()]).toEqual(['text/plain; version=0.0.4', 'millrace_inflight 0\n'])
  expect(await (await fetch(`${url}/config`)).json()).toEqual([{ name: 'gateway_url', value: 'http://g' }])
  expect(await (await fetch(`${url}/explain?topic=a%2Fb%3Fc`)).json()).toEqual({ topic: 'a/b?c', matches: [] })
})

test('each reply has the security headers and escapes tags (T41)', async () => {
  const url = await start()
  const reply = await fetch(`${url}/explain?topic=${encodeURIComponent('<script>alert(1)</script>')}`)
  expect(reply.headers.get('x-content-type-options')).toBe('nosniff')
  expect(reply.headers.get('x-frame-options')).toBe('DENY')
  expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(reply.headers.get('cache-control')).toBe('no-store')
  expect(await reply.text()).not.toContain('<')
})

test.each([
  ['GET', '/nothing', 404, 'urn:millrace:problem:not-found'],
  ['GET', '/../etc/passwd', 404, 'urn:millrace:problem:not-found'],
  ['POST', '/metrics', 405, 'urn:millrace:problem:method-not-allowed'],
  ['DELETE', '/livez', 405, 'urn:millrace:problem:method-not-allowed'],
  ['GET', '/explain', 400, 'urn:millrace:problem:bad-request'],
  ['GET', `/explain?topic=${'x'.repeat(2000)}`, 400, 'urn:millrace:problem:bad-request'],
])('%s %s is refused as RFC 9457 says', async (method, path, status, type) => {
  const reply = await fetch((await start()) + path, { method })
  expect(reply.status).toBe(status)
  expect(reply.headers.get('content-type')).toContain('application/problem+json')
  expect(await reply.json()).toMatchObject({ type, status, detail: expect.any(String) as string, fix: expect.any(String) as string })
  if (status === 405) expect(reply.headers.get('allow')).toBe('GET, HEAD')
})

test('HEAD has the headers and no body', async () => {
  const reply = await fetch(`${await start()}/metrics`, { method: 'HEAD' })
  expect([reply.status, reply.headers.get('content-length'), await reply.text()]).toEqual([200, '20', ''])
})

test('T41 a body of gigabytes is refused before it is read', async () => {
  const url = await start()
  const answer = await raw(url, 'POST /config HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000000\r\n\r\nthe first bytes')
  expect(answer).toMatch(/^HTTP\/1\.1 405 [^]*connection: close/i)
  const invited = await raw(url, 'POST /config HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000000\r\nExpect: 100-continue\r\n\r\n')
  expect(invited).toMatch(/^HTTP\/1\.1 405 /)
  expect(invited).not.toContain('100 Continue')
})

test('long headers and long URLs are refused', async () => {
  const url = await start()
  expect(await raw(url, `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(9000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  expect(await raw(url, `GET /${'y'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
})

test('a page that fails tells nothing of why', async () => {
  const url = await start({
    config: () => {
      throw new Error('canary-2b')
    },
  })
  const reply = await fetch(`${url}/config`)
  const text = await reply.text()
  expect(reply.status).toBe(500)
  expect(text).toContain('urn:millrace:problem:internal')
  expect(text).not.toContain('canary')
})

test('a port in use is an error that says what to do', async () => {
  const port = Number(new URL(await start()).port)
  const error = await start({}, port).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(MillraceError)
  expect(error).toMatchObject({ code: 'E_ADMIN_PORT_IN_USE', fix: expect.stringContaining(`sport = :${port}`) as string })
})

test('an address of another machine is an error with its reason', async () => {
  const server = createAdminServer({ host: '203.0.113.1', port: 0, pages: basePages, logger: silentLogger })
  await expect(server.start()).rejects.toMatchObject({ code: 'E_ADMIN_LISTEN' })
  await server.close()
})

test('close ends connections that are kept alive, and may be called twice', async () => {
  const server = createAdminServer({ host: '127.0.0.1', port: 0, pages: basePages, logger: silentLogger })
  const { url } = await server.start()
  await fetch(`${url}/livez`)
  await Promise.all([server.close(), server.close()])
  await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed')
})
