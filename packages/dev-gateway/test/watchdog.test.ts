import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { call, folderOf, gatewayOf, later, nextEvent, provider, started } from './kit.ts'

describe('what of-watchdog does', () => {
  test('a handler that never answers gets 504 after exec_timeout, and its thread goes on', async () => {
    const gateway = await gatewayOf({
      waits: {
        code: "let n = 0\nmodule.exports = async (event) => (n += 1, event.path === '/wait' ? new Promise(() => {}) : String(n))",
        more: 'environment: { exec_timeout: 100ms }',
      },
    })
    const { status, body, headers } = await call(gateway, '/function/waits/wait')
    expect([status, body, headers.get('x-openfaas-internal')]).toEqual([504, '', 'of-watchdog'])
    expect((await call(gateway, '/function/waits')).body).toBe('2')
  })

  test('X-Timeout lowers the limit and does not raise it', async () => {
    const gateway = await gatewayOf({
      waits: { code: 'module.exports = () => new Promise(() => {})', more: 'environment: { exec_timeout: 300ms }' },
    })
    const timed = async (value: string): Promise<number> => {
      const start = performance.now()
      expect((await call(gateway, '/function/waits', { headers: { 'x-timeout': value } })).status).toBe(504)
      return performance.now() - start
    }
    expect(await timed('1h')).toBeGreaterThan(290)
    expect(await timed('20ms')).toBeLessThan(290)
  })

  test('a handler that loops without end is ended at the limit, and the function is back afterwards', async () => {
    const gateway = await gatewayOf({
      loops: {
        code: "module.exports = async (event) => { while (event.path === '/loop'); return 'back' }",
        more: 'environment: { exec_timeout: 100ms }',
      },
    })
    const crashed = nextEvent(gateway, 'function:crashed')
    expect((await call(gateway, '/function/loops/loop')).status).toBe(504)
    await crashed
    expect(await call(gateway, '/function/loops')).toMatchObject({ status: 200, body: 'back' })
  })

  test('a handler that ends its thread answers 500 without a body, and the function is back afterwards', async () => {
    const gateway = await gatewayOf({ dies: "module.exports = async (event) => event.path === '/die' ? process.exit(3) : 'back'" })
    const crashed = nextEvent(gateway, 'function:crashed')
    const { status, body, headers } = await call(gateway, '/function/dies/die')
    expect([status, body, headers.get('x-openfaas-internal')]).toEqual([500, '', 'of-watchdog'])
    expect(await crashed).toEqual({ function: 'dies.openfaas-fn', reason: 'it ended with code 3' })
    await expect.poll(async () => (await call(gateway, '/function/dies')).body, { timeout: 5000 }).toBe('back')
  })

  test('code that cannot be loaded answers 500 and says why, until it is mended', async () => {
    const gateway = await gatewayOf({ broken: 'module.exports = async (' })
    expect((await call(gateway, '/function/broken')).status).toBe(500)
    gateway.write('broken/handler.js', "module.exports = async () => 'mended'")
    await gateway.reload()
    expect((await call(gateway, '/function/broken')).body).toBe('mended')
  })

  test('max_inflight answers 429 with the text of faas-middleware', async () => {
    const gateway = await gatewayOf({
      one: {
        code: 'module.exports = (event) => new Promise((done) => { if (event.path === "/hold") setTimeout(done, 300, "held"); else done("quick") })',
        more: 'environment: { max_inflight: 1 }',
      },
    })
    const both = await Promise.all([call(gateway, '/function/one/hold'), call(gateway, '/function/one/hold')])
    const refused = both.find(({ status }) => status === 429)
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 429])
    expect(refused?.body).toMatch(/^Concurrent request limit exceeded. Max concurrent requests: 1/)
    expect(refused?.headers.get('x-openfaas-internal')).toBe('faas-middleware')
    expect((await call(gateway, '/function/one')).status).toBe(200)
  })
})

describe('a function that runs elsewhere', () => {
  test('is called at its URL with the rest of the path; its redirect is the answer', async () => {
    const seen: string[][] = []
    const server = createServer((request, response) => {
      seen.push([
        request.method ?? '',
        request.url ?? '',
        request.headers['transfer-encoding'] ?? '',
        request.headers['content-length'] ?? '',
      ])
      response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end('moved')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    later(() => server.close())
    const { port } = server.address() as AddressInfo
    const { path } = folderOf({
      'stack.yaml': `${provider}functions:\n  away: { upstream: "http://127.0.0.1:${port}/base" }\n  gone: { upstream: "http://127.0.0.1:1" }\n`,
    })
    const gateway = await started({ stack: join(path, 'stack.yaml') })
    const { status, body, headers } = await call(gateway, '/function/away/x?q=1', { body: 'data', redirect: 'manual' })
    expect([status, body, headers.get('location')]).toEqual([302, 'moved', 'http://127.0.0.1:1/'])
    expect(seen).toEqual([['POST', '/base/x?q=1', 'chunked', '']])
    const lost = await call(gateway, '/function/gone')
    expect([lost.status, lost.body, lost.headers.get('x-openfaas-internal')]).toEqual([500, "Can't reach service for: gone.\n", 'proxy'])
  })
})
