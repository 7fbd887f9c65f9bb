import { describe, expect, test } from 'vitest'
import { call, gatewayOf, nextEvent } from './kit.ts'

const json = { 'content-type': 'application/json' }

describe('a handler of the Node template', () => {
  test('gets body, headers, method, query and path, and its answer reaches the caller', async () => {
    const gateway = await gatewayOf({
      echo: `module.exports = async (event, context) => context.status(201).headers({ 'Content-Type': 'application/json', 'X-A': '1' }).succeed({
        body: event.body, method: event.method, query: event.query, path: event.path, topic: event.headers['x-topic'], calls: event.headers['x-start-time'].split(',').length })`,
    })
    const { status, body, headers } = await call(gateway, '/function/echo.openfaas-fn/a/b?q=1&q=2&z=', {
      body: '{"n":1}',
      headers: { ...json, 'x-topic': 'orders', 'x-start-time': '1' },
    })
    expect(status).toBe(201)
    expect(JSON.parse(body)).toEqual({
      body: { n: 1 },
      method: 'POST',
      query: { q: ['1', '2'], z: '' },
      path: '/a/b',
      topic: 'orders',
      calls: 2,
    })
    expect([headers.get('x-a'), headers.get('content-type')]).toEqual(['1', 'application/json'])
    expect(Number(headers.get('x-duration-seconds'))).toBeGreaterThan(0)
  })

  test('sees the body as the parsers of the template give it', async () => {
    const gateway = await gatewayOf({ echo: 'module.exports = async (event) => JSON.stringify(event.body)' })
    const seen = async (type: string, body: string): Promise<string> =>
      (await call(gateway, '/function/echo', { body, headers: { 'content-type': type } })).body
    expect(await seen('text/plain', 'hi')).toBe('"hi"')
    expect(await seen('application/json; charset=utf-8', '[1]')).toBe('[1]')
    expect(await seen('application/x-www-form-urlencoded', 'a=1&a=2&b=3')).toBe('{"a":["1","2"],"b":"3"}')
    expect(await seen('application/octet-stream', 'hi')).toBe('{}')
    expect(await seen('application/json', '')).toBe('{}')
  })

  test('answers 400 for a body that is not JSON, 413 for one over 100 KiB, and takes bytes with RAW_BODY', async () => {
    const gateway = await gatewayOf({
      a: 'module.exports = async () => 1',
      raw: {
        code: 'module.exports = async (event) => Buffer.concat([event.body, Buffer.from([0, 255])])',
        more: 'environment: { RAW_BODY: "true" }',
      },
    })
    expect((await call(gateway, '/function/a', { body: '{', headers: json })).status).toBe(400)
    expect(
      (await call(gateway, '/function/a', { body: 'x'.repeat(100 * 1024 + 1), headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(413)
    const response = await fetch(`${gateway.url}/function/raw`, { method: 'POST', body: new Uint8Array([1, 0]) })
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 0, 0, 255])
  })

  test('may fail, call back, or export as an ES module', async () => {
    const gateway = await gatewayOf({
      fails: "module.exports = async (event, context) => context.fail('no luck')",
      other: "module.exports = async (event, context) => context.status(422).fail(new Error('bad'))",
      back: 'module.exports = (event, context, callback) => callback(undefined, { ok: true })',
      esm: "import { helper } from './helper.js'\nexport default async () => helper()",
      named: "exports.handler = async () => require('./lib').text",
    })
    gateway.write('esm/helper.js', "export const helper = () => 'esm'")
    gateway.write('named/lib.js', "exports.text = 'named'")
    await gateway.reload()
    expect(await call(gateway, '/function/fails')).toMatchObject({ status: 500, body: 'no luck' })
    expect(await call(gateway, '/function/other')).toMatchObject({ status: 422, body: 'Error: bad' })
    expect(await call(gateway, '/function/back')).toMatchObject({ status: 200, body: '{"ok":true}' })
    expect(await call(gateway, '/function/esm')).toMatchObject({ status: 200, body: 'esm' })
    expect(await call(gateway, '/function/named')).toMatchObject({ status: 200, body: 'named' })
  })

  test('that throws answers 500 and is told apart from one that fails', async () => {
    const gateway = await gatewayOf({ throws: "module.exports = async () => { throw new TypeError('oops') }" })
    const told = nextEvent(gateway, 'function:threw')
    expect(await call(gateway, '/function/throws')).toMatchObject({ status: 500, body: 'TypeError: oops' })
    expect(await told).toEqual({ function: 'throws.openfaas-fn' })
  })

  test('writes to the log, not to our output, and sees its own environment only', async () => {
    const gateway = await gatewayOf({
      talks: {
        code: "module.exports = async () => { console.log('hello'); return JSON.stringify([process.env.K, process.env.HOME ?? null]) }",
        more: 'environment: { K: v }',
      },
    })
    const line = nextEvent(gateway, 'function:output')
    expect((await call(gateway, '/function/talks')).body).toBe('["v",null]')
    expect(await line).toEqual({ function: 'talks.openfaas-fn', stream: 'stdout', line: 'hello' })
  })
})
