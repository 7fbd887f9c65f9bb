import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { call, gatewayOf, later, nextEvent, raw } from './kit.ts'

const ok = "module.exports = async (event) => event.body && typeof event.body === 'string' ? event.body : 'ok'"

test('basic auth is asked for on /system/* only, with the measured bytes', async () => {
  const { port } = await gatewayOf({ f: ok }, { basicAuth: { user: 'admin', password: 's3cret:x' } })
  const token = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}`
  const refused = await raw(port, ['GET /system/functions HTTP/1.1'])
  expect(refused).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
  expect(refused).toContain('\r\nWWW-Authenticate: Basic realm="Restricted"\r\n')
  expect(refused).toContain('\r\nContent-Type: text/plain; charset=utf-8\r\n')
  expect(refused).toMatch(/\r\n\r\ninvalid credentials$/)
  for (const wrong of ['admin:s3cret', 'admin:s3cret:xx', ':', 'ADMIN:s3cret:x'])
    expect(await raw(port, ['GET /system/functions HTTP/1.1', token(wrong)])).toContain(' 401 ')
  expect(await raw(port, ['GET /system/functions HTTP/1.1', token('admin:s3cret:x')])).toContain('"name":"f"')
  expect(await raw(port, ['GET /function/f HTTP/1.1'])).toContain(' 200 OK')
  expect(await raw(port, ['GET /healthz HTTP/1.1'])).toContain(' 200 OK')
})

test('T34 unknown paths and names that are none get the text of the router', async () => {
  const { port } = await gatewayOf({ f: ok })
  const paths = [
    '/',
    '/nothing',
    '/function/',
    '/function/a@host',
    '/function/..',
    '/function/../system/functions',
    '/function/%2e%2e/system/info',
    '/function/f/../../system/info',
    '//evil/function/f',
    '/function/f%2fx',
    '/function/ф',
  ]
  for (const path of paths) {
    const answer = await raw(port, [`GET ${path} HTTP/1.1`])
    expect([path, /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]]).toEqual([path, path === '/function/ф' ? '400' : '404'])
    if (path !== '/function/ф') expect(answer).toMatch(/\r\nX-Content-Type-Options: nosniff\r\n[^]*\r\n\r\n404 page not found\n$/)
  }
})

test('an asynchronous call is queued, run with the marks of the worker, and called back', async () => {
  const callbacks: { headers: Record<string, unknown>; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      callbacks.push({ headers: request.headers, body })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => server.close())
  const gateway = await gatewayOf({
    f: "module.exports = async (event, context) => context.status(203).succeed(JSON.stringify([event.headers['user-agent'], event.headers['x-start-time'].split(', ').length, event.headers['x-call-id'], event.path, event.body]))",
  })
  const ran = nextEvent(gateway, 'function:invoked', (one) => !one.queued)
  const { status, body, headers } = await call(gateway, '/async-function/f/p?q=1', {
    body: 'data',
    headers: { 'x-callback-url': `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`, 'content-type': 'text/plain' },
  })
  expect([status, body]).toEqual([202, ''])
  const id = headers.get('x-call-id')
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(headers.get('x-start-time')).toMatch(/^\d{19}$/)
  expect((await ran).status).toBe(203)
  await expect.poll(() => callbacks.length).toBe(1)
  expect(JSON.parse(callbacks[0]?.body ?? '')).toEqual(['openfaas-ce/nats-queue-worker', 2, id, '/p', 'data'])
  expect(callbacks[0]?.headers).toMatchObject({ 'x-call-id': id, 'x-function-status': '203', 'x-function-name': 'f' })
  expect(Number(callbacks[0]?.headers['x-duration-seconds'])).toBeGreaterThan(0)
})

test('the log line of a call has topic, event, attempt, status and time, and no payload', async () => {
  const gateway = await gatewayOf({ f: ok })
  const { invocationLine } = await import('../src/index.ts')
  const seen = nextEvent(gateway, 'function:invoked')
  await call(gateway, '/function/f', {
    body: 'secret-payload',
    headers: { 'x-topic': 'orders', 'x-event-id': 'e-1', 'x-delivery-attempt': '2', 'content-type': 'text/plain' },
  })
  expect(invocationLine(await seen)).toMatch(/^f 200 [\d.]+ms topic=orders event=e-1 attempt=2$/)
  expect(invocationLine({ function: 'f', method: 'POST', topic: 'a\n\u001b[31mb', durationMs: 1, queued: false })).toBe(
    'f broken 1.0ms topic=a\\u000a\\u001b[31mb',
  )
})
