import { gzipSync } from 'node:zlib'
import { fakeGateway, type FakeGateway, type FaultAction } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startHttp } from './kit/connector.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const json = { 'Content-Type': 'application/json' }

/** A gateway with an `orders` function and a connector that has its first good map. */
const startBoth = async (env: Readonly<Record<string, string>> = {}): Promise<{ gateway: FakeGateway; connector: HttpConnector }> => {
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env })
  await connector.ready()
  return { gateway, connector }
}

const failures = (connector: HttpConnector): Promise<number> => connector.metric('millrace_discovery_failures_total')

const expectServed = async (connector: HttpConnector, what: string): Promise<void> => {
  const answer = await connector.publish('orders?wait=true', what)
  expect(answer.status, `${what}: ${answer.text}`).toBe(200)
  expect(answer.json()['results'], what).toMatchObject([{ function: 'orders.openfaas-fn', outcome: 'done' }])
}

/** What a broken `/system/functions` answers. */
const brokenLists: Readonly<Record<string, FaultAction>> = {
  'a page in HTML': { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><title>Sign in</title>' },
  'truncated JSON': { headers: json, body: '[{"name":"orders","image":"i","annotations":{"topic":"or' },
  'JSON of another shape': { headers: json, body: '{"functions":{"__proto__":{"topic":"x"}}}' },
  'items that are no objects': { headers: json, body: '[1,"a",null,[]]' },
  'a body of 1 GB': { headers: json, bodyBytes: 1024 ** 3 },
  'a chunked body without end': { headers: json, wire: 'endless' },
  'a gzip bomb': { headers: { ...json, 'Content-Encoding': 'gzip' }, body: gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')) },
  'a reset before the answer': { wire: 'reset' },
  'a reset in the middle of the body': { headers: json, body: '[{"name":"orders"}]', wire: 'reset-mid-body' },
  'a body shorter than its length': { headers: json, body: '[]        ', wire: 'truncated' },
  'no answer but a close': { wire: 'empty-reply' },
  'bytes that are not HTTP': { wire: 'garbage' },
  '1xx without end': { wire: 'informational-flood' },
  'a header of 1 MiB': { headers: json, wire: 'huge-header' },
  'its own 401': { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="Restricted"' }, body: 'invalid credentials' },
  'a 403': { status: 403, body: 'insufficient permissions' },
  'a 500': { status: 500, body: 'Unable to parse list of functions from provider\n' },
  'a 502 without a body': { status: 502, body: '' },
  'a redirect': { status: 302, headers: { Location: '/elsewhere' } },
}

test('T20 openfaas S1 S2 a list that is no list: the last good map stays, memory is bounded, the process lives', async () => {
  const { gateway, connector } = await startBoth()
  const rss = async (): Promise<number> => (await connector.metric('millrace_process_resident_memory_bytes')) / 1024 ** 2
  const before = await rss()
  let most = before
  for (const [what, then] of Object.entries(brokenLists)) {
    const failed = await failures(connector)
    const remove = gateway.faults.add({ name: what, match: { path: '/system/functions' }, then })
    await until(
      `${what} is a failure`,
      () => failures(connector),
      (count) => count > failed,
      20_000,
    )
    await expectServed(connector, what)
    most = Math.max(most, await rss())
    remove()
    // Good again, so that the wait after several failures does not grow.
    await until(
      'a good list',
      () => connector.metric('millrace_topic_map_age_seconds'),
      (age) => age < 0.5,
      20_000,
    )
  }
  // A list may be 64 MiB; a few copies of it are in memory for a moment, not the gigabyte.
  expect(most - before, `MiB above the ${before} before`).toBeLessThan(400)
  expect(await connector.metric('millrace_topic_map_functions')).toBe(1)
  await connector.settled()
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T20 openfaas S3 a list that hangs holds up nothing: the last good map serves, and a stop does not wait for it', async () => {
  const { gateway, connector } = await startBoth()
  const asked = gateway.systemRequests.length
  gateway.listFaults.set('hang')
  await until(
    'a list hangs',
    () => gateway.systemRequests.length,
    (count) => count > asked + 1,
  )
  await expectServed(connector, 'while the list hangs')
  expect(await connector.notReady()).toEqual([])
  await connector.settled()
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T20 C2 an empty list unsubscribes nobody while it may be a fault, and everybody once it is confirmed', async () => {
  const { gateway, connector } = await startBoth({ rebuild_interval: '300ms', unmatched: 'dead-letter' })
  const asked = (): number => gateway.systemRequests.filter(({ path }) => path === '/system/functions').length
  const before = asked()
  gateway.listFaults.set('empty')
  await until('two empty lists', asked, (count) => count >= before + 2)
  await expectServed(connector, 'after two empty lists')
  await until(
    'five empty lists',
    () => connector.metric('millrace_topic_map_functions'),
    (count) => count === 0,
  )
  expect(asked() - before).toBeGreaterThanOrEqual(5)
  // The gateway was asked whether it is healthy before the functions went.
  expect(gateway.systemRequests.some(({ path }) => path === '/healthz')).toBe(true)
  gateway.listFaults.clear()
  await until(
    'the function is back',
    () => connector.metric('millrace_topic_map_functions'),
    (count) => count === 1,
  )
  await expectServed(connector, 'after the good list')
  await connector.settled()
})

test('openfaas S15 R8 one failing namespace keeps its functions, the others are kept fresh', async () => {
  const gateway = await fakeGateway({
    namespaces: ['openfaas-fn', 'staging'],
    functions: { a: { annotations: { topic: 'a' } }, 'b.staging': { annotations: { topic: 'b' } } },
  })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  gateway.listFaults.set('502-empty', { namespace: 'staging' })
  gateway.setFunction('c', { annotations: { topic: 'c' } })
  await until(
    'the healthy namespace is read',
    () => connector.metric('millrace_topic_map_functions'),
    (count) => count === 3,
  )
  for (const [topic, called] of [
    ['a', 'a.openfaas-fn'],
    ['b', 'b.staging'],
    ['c', 'c.openfaas-fn'],
  ] as const) {
    expect((await connector.publish(`${topic}?wait=true`)).json()['results']).toMatchObject([{ function: called, outcome: 'done' }])
  }
  await connector.settled()
})

test('openfaas S9 R1 before the first good map nothing is taken in', async () => {
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  gateway.listFaults.set('502-newline')
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await until(
    'a failed list',
    () => failures(connector),
    (count) => count > 0,
  )
  const refused = await connector.publish('orders', 'early')
  expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5'])
  expect((await connector.admin('/readyz')).status).toBe(503)
  expect((await connector.admin('/startupz')).status).toBe(503)
  expect((await connector.admin('/livez')).status).toBe(200)
  gateway.listFaults.clear()
  await connector.ready()
  await expectServed(connector, 'late')
  expect(gateway.requests.map((request) => request.text())).toEqual(['late'])
})
