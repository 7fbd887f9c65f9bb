import { afterEach, describe, expect, test } from 'vitest'
import { fakeGateway, type FakeGateway, type FakeGatewayOptions } from '../../src/testing/fake-gateway.ts'
import { rawExchange, rawRequest } from './raw-http.ts'

let gateway: FakeGateway | undefined
const start = async (options: FakeGatewayOptions = {}): Promise<FakeGateway> => (gateway = await fakeGateway(options))

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

describe('functions', () => {
  test('are called by name with and without the namespace, and the call is recorded with its raw headers', async () => {
    const { port, requests } = await start({
      functions: { echo: (call) => ({ status: 201, headers: { 'X-A': ['1', '2'] }, body: call.text() }) },
    })
    const first = await rawRequest(
      port,
      'POST /function/echo.openfaas-fn/a/b?q=1',
      ['x-two: a', 'X-TWO: b', 'Content-Type: text/x'],
      'hello',
    )
    expect(first).toMatchObject({ status: 201, body: 'hello' })
    expect(first.headers.filter(([name]) => name === 'X-A')).toEqual([
      ['X-A', '1'],
      ['X-A', '2'],
    ])
    expect(first.header('Content-Type')).toBe('text/x')
    await rawRequest(port, 'GET /function/echo')
    expect(requests.map((request) => [request.function, request.suffix, request.query])).toEqual([
      ['echo.openfaas-fn', '/a/b', 'q=1'],
      ['echo', '', ''],
    ])
    expect(requests[0]?.headers).toContainEqual(['x-two', 'a'])
    expect(requests[0]?.headers).toContainEqual(['X-TWO', 'b'])
  })

  test('are set, annotated and removed at run time', async () => {
    const fake = await start({ functions: { a: { annotations: { topic: 'x', keep: 'y' } } } })
    const list = async (): Promise<unknown> => (await fetch(`${fake.url}/system/functions`)).json()
    expect(await list()).toMatchObject([{ name: 'a', namespace: 'openfaas-fn', annotations: { topic: 'x', keep: 'y' } }])
    fake.annotate('a', { topic: 'z', keep: undefined })
    fake.setFunction('b', {})
    expect(await list()).toMatchObject([{ name: 'a', annotations: { topic: 'z' } }, { name: 'b' }])
    fake.removeFunction('a')
    expect(((await list()) as { name: string }[]).map(({ name }) => name)).toEqual(['b'])
  })

  test('that throw answer 500 with the text of the error', async () => {
    const { port } = await start({
      functions: {
        bad: () => {
          throw new Error('no luck')
        },
      },
    })
    expect(await rawRequest(port, 'POST /function/bad')).toMatchObject({ status: 500, body: 'no luck' })
  })
})

test('waitFor resolves on a count and on a predicate over answers, and rejects in time', async () => {
  const fake = await start({ functions: { a: () => 'ok' } })
  const seen = fake.waitFor((requests) => requests.some((request) => request.status === 200))
  await fetch(`${fake.url}/function/a`, { method: 'POST' })
  expect(await seen).toHaveLength(1)
  expect(await fake.waitFor(1)).toHaveLength(1)
  await expect(fake.waitFor(2, 20)).rejects.toThrow('1 requests so far')
})

test('down refuses connections, up takes them again on the same port', async () => {
  const fake = await start({ functions: { a: () => 'ok' } })
  await fake.down()
  expect((await rawExchange(fake.port, 'GET / HTTP/1.1\r\n\r\n')).end).toBe('reset')
  await fake.up()
  expect(await rawRequest(fake.port, 'GET /function/a')).toMatchObject({ status: 200, body: 'ok' })
})

describe('list faults', () => {
  const cases: [Parameters<FakeGateway['listFaults']['set']>[0], number, string][] = [
    ['null', 200, 'null'],
    ['empty', 200, '[]'],
    ['400', 400, 'namespace must be: openfaas-fn\n'],
    ['401', 401, 'invalid credentials'],
    ['403', 403, 'insufficient permissions'],
    ['500', 500, 'Unable to parse list of functions from provider\n'],
    ['502-empty', 502, ''],
    ['502-newline', 502, '\n'],
    ['truncated-json', 200, '[{"name":"a","image":"i","annotations":{"topic":"or'],
  ]
  test.each(cases)('%s', async (fault, status, body) => {
    const fake = await start({ functions: { a: {} } })
    fake.listFaults.set(fault, { times: 1 })
    expect(await rawRequest(fake.port, 'GET /system/functions')).toMatchObject({ status, body })
    expect((await rawRequest(fake.port, 'GET /system/functions')).body).toContain('"name":"a"')
  })

  test('hang, reset and empty reply give no byte', async () => {
    const fake = await start()
    const get = 'GET /system/functions HTTP/1.1\r\nHost: gw\r\n\r\n'
    fake.listFaults.set('hang')
    expect(await rawExchange(fake.port, get, { timeoutMs: 100 })).toEqual({ text: '', end: 'timeout' })
    fake.listFaults.set('reset')
    expect(await rawExchange(fake.port, get)).toEqual({ text: '', end: 'reset' })
    fake.listFaults.set('empty-reply')
    expect(await rawExchange(fake.port, get)).toEqual({ text: '', end: 'closed' })
  })

  test('one namespace among several fails, and the list of namespaces may be [] or null', async () => {
    const fake = await start({ namespaces: ['one', 'two'], functions: { a: {}, 'b.two': {} } })
    fake.listFaults.set('502-newline', { namespace: 'two' })
    fake.listFaults.add('namespaces-null')
    expect((await rawRequest(fake.port, 'GET /system/functions?namespace=two')).status).toBe(502)
    expect((await rawRequest(fake.port, 'GET /system/functions?namespace=one')).body).toContain('"name":"a"')
    expect((await rawRequest(fake.port, 'GET /system/namespaces')).body).toBe('null')
    fake.listFaults.clear()
    expect((await rawRequest(fake.port, 'GET /system/functions?namespace=two')).body).toContain('"name":"b"')
  })
})
