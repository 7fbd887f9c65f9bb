import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { fakeGateway, type FakeGateway, type FakeGatewayOptions } from '../../src/testing/fake-gateway.ts'
import { wireFaults } from '../../src/testing/fault-plan.ts'
import { rawExchange, rawRequest } from './raw-http.ts'

let gateway: FakeGateway | undefined
const start = async (options: FakeGatewayOptions = {}): Promise<FakeGateway> => (gateway = await fakeGateway(options))

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

describe('headers', () => {
  test('to the function: marks, two start times, no hop-by-hop, chunked body', async () => {
    const seen: (readonly [string, string])[] = []
    const { port } = await start({ functions: { a: (call) => void seen.push(...call.headers) } })
    await rawRequest(
      port,
      'POST /function/a',
      ['X-Start-Time: 1', 'Authorization: Basic Zm9v', 'TE: trailers', 'Keep-Alive: 5', 'x-odd: 1', 'x-odd: 2'],
      'body',
    )
    const values = (name: string): string[] => seen.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
    expect(values('x-start-time')).toEqual(['1', expect.stringMatching(/^\d{19}$/)])
    expect(values('x-call-id')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
    expect(values('authorization')).toEqual(['Basic Zm9v'])
    expect(values('x-odd')).toEqual(['1', '2'])
    expect(values('x-forwarded-host')).toEqual(['gw'])
    expect(values('x-forwarded-for')).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)])
    expect(values('user-agent')).toEqual([expect.stringMatching(/^openfaas-ce-gateway\//)])
    expect(values('accept-encoding')).toEqual(['gzip'])
    expect([values('transfer-encoding'), values('content-length')]).toEqual([['chunked'], []])
    expect([values('te'), values('keep-alive'), values('connection')]).toEqual([[], [], []])
  })

  test('to the function: an empty User-Agent is none, an empty body keeps its length', async () => {
    const seen: string[] = []
    const { port } = await start({ functions: { a: (call) => void seen.push(...call.headers.map(([name]) => name)) } })
    await rawRequest(port, 'POST /function/a', ['User-Agent:', 'X-Call-Id: mine'])
    expect(seen).not.toContain('User-Agent')
    expect(seen).toContain('Content-Length')
    expect(seen.filter((name) => name === 'X-Call-Id')).toHaveLength(1)
  })

  test('to the caller: the call id only when the gateway made it; the function wins by name', async () => {
    const { port } = await start({
      functions: { a: () => ({ headers: { 'X-Served-By': 'me', Connection: 'close', 'Content-Length': '999' }, body: 'ok' }) },
    })
    const made = await rawRequest(port, 'GET /function/a')
    expect(made.names).toContain('X-Call-Id')
    expect([made.header('X-Served-By'), made.header('Content-Type'), made.header('Content-Length'), made.body]).toEqual([
      'me',
      'text/plain',
      '2',
      'ok',
    ])
    expect(made.header('X-Duration-Seconds')).toMatch(/^\d+\.\d{6}$/)
    expect((await rawRequest(port, 'GET /function/a', ['X-Call-Id: mine'])).names).not.toContain('X-Call-Id')
  })

  test('stay open without a word about the connection, as with Go', async () => {
    const { port } = await start({ functions: { a: () => 'ok' } })
    const one = 'GET /function/a HTTP/1.1\r\nHost: gw\r\n\r\n'
    const { text } = await rawExchange(port, one + one, { until: /ok[^]*ok$/ })
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
    expect(text).not.toMatch(/^(connection|keep-alive):/im)
  })
})

describe("the gateway's own answers", () => {
  test('lists: least items, one namespace, 400 for another', async () => {
    const { port } = await start({ functions: { a: { annotations: { topic: 't' } }, b: { replicas: 0 } } })
    const list = await rawRequest(port, 'GET /system/functions')
    expect(list.header('Content-Type')).toBe('application/json')
    expect(JSON.parse(list.body)).toEqual([
      {
        name: 'a',
        image: 'example/a:latest',
        namespace: 'openfaas-fn',
        annotations: { topic: 't' },
        replicas: 1,
        availableReplicas: 1,
        createdAt: '2024-01-01T00:00:00Z',
      },
      { name: 'b', image: 'example/b:latest', namespace: 'openfaas-fn', createdAt: '2024-01-01T00:00:00Z' },
    ])
    expect(await rawRequest(port, 'GET /system/functions?namespace=kube-system')).toMatchObject({
      status: 400,
      body: 'namespace must be: openfaas-fn\n',
    })
    expect(await rawRequest(port, 'GET /system/namespaces')).toMatchObject({ status: 200, body: '["openfaas-fn"]' })
    expect((await rawRequest(port, 'GET /system/function/a?namespace=openfaas-fn')).body).toContain('"name":"a"')
    expect((await rawRequest(port, 'GET /system/function/zz')).status).toBe(404)
    expect((await rawRequest(port, 'POST /system/functions')).status).toBe(405)
  })

  test('unknown functions: 404 without newline and marks, or 503 of the provider', async () => {
    const scaling = await start()
    const missing = await rawRequest(scaling.port, 'POST /function/nope')
    expect(missing).toMatchObject({ status: 404, body: expect.stringMatching(/^error finding function nope\.openfaas-fn: [^\n]*$/) })
    expect(missing.names).not.toContain('X-Call-Id')
    await scaling.close()
    const plain = await start({ scaleFromZero: false })
    const none = await rawRequest(plain.port, 'POST /function/nope')
    expect([none.status, none.body, none.header('X-OpenFaaS-Internal')]).toEqual([503, 'No endpoints available for: nope.\n', 'proxy'])
  })

  test('without namespaces NAME.NS is not known', async () => {
    const { port } = await start({ namespaces: [], functions: { a: () => 'ok' } })
    expect((await rawRequest(port, 'POST /function/a')).status).toBe(200)
    expect((await rawRequest(port, 'POST /function/a.openfaas-fn')).status).toBe(404)
    expect(JSON.parse((await rawRequest(port, 'GET /system/functions')).body)).toEqual([
      expect.not.objectContaining({ namespace: expect.anything() }),
    ])
  })

  test('scale from zero holds the call; a failed scale-up is a 500', async () => {
    const { port } = await start({
      functions: { cold: { replicas: 0, coldStartMs: 60, handler: () => 'warm' }, stuck: { replicas: 0, scaleError: 'no room' } },
    })
    const before = performance.now()
    expect((await rawRequest(port, 'POST /function/cold')).body).toBe('warm')
    expect(performance.now() - before).toBeGreaterThan(55)
    const failed = await rawRequest(port, 'POST /function/stuck')
    expect(failed).toMatchObject({
      status: 500,
      body: 'error finding function stuck.openfaas-fn: unable to scale function [stuck], err: no room',
    })
  })

  test('upstream_timeout is an empty 502 with the call id; write_timeout closes', async () => {
    const slow = await start({ upstreamTimeoutMs: 40, functions: { slow: () => new Promise(() => undefined) } })
    const late = await rawRequest(slow.port, 'POST /function/slow')
    expect([late.status, late.body, late.names.includes('X-Call-Id')]).toEqual([502, '', true])
    await slow.close()
    const cut = await start({ writeTimeoutMs: 40, functions: { slow: () => new Promise(() => undefined) } })
    expect(await rawExchange(cut.port, 'POST /function/slow HTTP/1.1\r\nHost: gw\r\n\r\n')).toEqual({ text: '', end: 'closed' })
  })

  test('a request that is not HTTP gets 400, a large body 413', async () => {
    const { port } = await start({ maxBodyBytes: 10, functions: { a: () => 'ok' } })
    expect((await rawExchange(port, 'rubbish\r\n\r\n')).text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*400 Bad Request$/)
    expect((await rawRequest(port, 'POST /function/a', [], 'x'.repeat(11))).status).toBe(413)
  })
})

describe('the asynchronous path', () => {
  test('exists only when it is on; GET is 405, an unparsable callback 400, a body over 256,000 bytes 500', async () => {
    const off = await start({ async: false })
    expect(await rawRequest(off.port, 'POST /async-function/a')).toMatchObject({ status: 404, body: '404 page not found\n' })
    await off.close()
    const { port } = await start()
    expect((await rawRequest(port, 'GET /async-function/a')).status).toBe(405)
    expect((await rawRequest(port, 'POST /async-function/a', ['X-Callback-Url: ::'])).status).toBe(400)
    const large = await rawRequest(port, 'POST /async-function/a', [], 'x'.repeat(256_001))
    expect(large.status).toBe(500)
    expect(large.body).toMatch(/^Error queuing request: request body too large for OpenFaaS CE \(256001 bytes\), maximum: 256000 bytes/)
    expect((await rawRequest(port, 'POST /async-function/missing')).status).toBe(202)
  })

  test('reports a transport failure to the callback as 503 without a body', async () => {
    const got: { status: string | undefined; size: number }[] = []
    const server = createServer((request, response) => {
      let size = 0
      request.on('data', (chunk: Buffer) => (size += chunk.length))
      request.on('end', () => {
        got.push({ status: request.headers['x-function-status'] as string, size })
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const fake = await start({ functions: { a: () => 'ok' }, faults: { rules: [{ then: { wire: 'reset' } }] } })
    await rawRequest(
      fake.port,
      'POST /async-function/a',
      [`X-Callback-Url: http://127.0.0.1:${(server.address() as AddressInfo).port}/`],
      'x',
    )
    await expect.poll(() => got, { timeout: 3000 }).toEqual([{ status: '503', size: 0 }])
    server.close()
  })
})

describe('wire faults', () => {
  const post = 'POST /function/a HTTP/1.1\r\nHost: gw\r\nContent-Length: 0\r\n\r\n'
  const expected: Record<(typeof wireFaults)[number], { text: RegExp; end: string }> = {
    hang: { text: /^$/, end: 'timeout' },
    'hang-mid-body': { text: /^HTTP\/1\.1 200 OK\r\nContent-Length: 6\r\n\r\nabc$/, end: 'timeout' },
    reset: { text: /^$/, end: 'reset' },
    'reset-mid-body': { text: /\r\n\r\nabc$/, end: 'reset' },
    truncated: { text: /Content-Length: 6\r\n\r\nabc$/, end: 'closed' },
    'empty-reply': { text: /^$/, end: 'closed' },
    garbage: { text: /^(?!HTTP)[^]{512}$/, end: 'closed' },
    endless: { text: /chunked\r\n\r\n10000\r\nx+/, end: 'until' },
    'informational-flood': { text: /^(HTTP\/1\.1 103 Early Hints\r\nLink: <\/x>\r\n\r\n){100}/, end: 'until' },
    'huge-header': { text: /X-Huge: h{1048576}\r\n/, end: 'closed' },
  }

  test.each(wireFaults)('%s', async (wire) => {
    const { port } = await start({ functions: { a: () => 'ok' }, faults: { rules: [{ then: { wire, body: 'abcdef' } }] } })
    const until = wire === 'endless' ? 'xxxxx' : 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(100)
    const flooding = wire === 'endless' || wire === 'informational-flood'
    const got = await rawExchange(port, post, flooding ? { until, timeoutMs: 2000 } : { timeoutMs: wire.startsWith('hang') ? 150 : 2000 })
    expect(got.end).toBe(expected[wire].end)
    expect(got.text).toMatch(expected[wire].text)
  })

  test('status, headers and body are answered with the marks of a call; latency waits', async () => {
    const fake = await start({ functions: { a: () => 'ok' } })
    fake.faults.add({
      match: { nth: 1 },
      then: { status: 503, headers: { 'Retry-After': '2', 'X-L': ['a', 'b'] }, body: 'later', latencyMs: 50 },
    })
    const before = performance.now()
    const first = await rawRequest(fake.port, 'POST /function/a')
    expect(performance.now() - before).toBeGreaterThan(45)
    expect([first.status, first.body, first.header('Retry-After'), first.names.filter((name) => name === 'X-L').length]).toEqual([
      503,
      'later',
      '2',
      2,
    ])
    expect(first.names).toContain('X-Call-Id')
    expect((await rawRequest(fake.port, 'POST /function/a')).body).toBe('ok')
    expect(fake.requests.map(({ fault, status }) => [fault, status])).toEqual([
      ['rule 1', 503],
      [undefined, 200],
    ])
  })

  test('`run` runs the function first and loses its answer', async () => {
    let ran = 0
    const { port } = await start({
      functions: { a: () => void (ran += 1) },
      faults: { rules: [{ then: { wire: 'empty-reply', run: true } }] },
    })
    expect(await rawExchange(port, post)).toEqual({ text: '', end: 'closed' })
    expect(ran).toBe(1)
  })

  test('a body of many bytes is streamed and stops when the client leaves', async () => {
    const fake = await start({ functions: { a: {} }, faults: { rules: [{ then: { bodyBytes: 1_000_000_000 } }] } })
    const { text } = await rawExchange(fake.port, post, { until: 'xxx' })
    expect(text).toContain('Content-Length: 1000000000\r\n')
    await fake.waitFor(1)
  })
})
