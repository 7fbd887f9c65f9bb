import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { startHttp } from './kit/connector.ts'
import { CallLog } from './kit/ledger-view.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

test.each([
  ['hangs', { wire: 'hang' }],
  ['fails at once', { status: 500 }],
  ['is busy', { status: 429, headers: { 'Retry-After': '3600' } }],
  ['resets', { wire: 'reset' }],
] as const)('T23 P5 one function of 50 %s: the others get everything meanwhile', async (_what, fault) => {
  const log = new CallLog()
  const names = Array.from({ length: 50 }, (_, index) => `f${index}`)
  const gateway = await fakeGateway({ functions: Object.fromEntries(names.map((name) => [name, log.function({ topic: name })])) })
  atEnd(() => gateway.close())
  // Fewer calls at once than the bad function has events: it could take them all.
  const connector = await startHttp({
    gatewayUrl: gateway.url,
    env: { max_inflight: '64', max_inflight_per_function: '8', upstream_timeout: '60s' },
  })
  await connector.ready()
  gateway.faults.add({ match: { function: 'f0' }, then: fault })
  const bad = await Promise.all(Array.from({ length: 100 }, (_, index) => connector.publish('f0', '', { id: `f0-${index}` })))
  expect(bad.every(({ status }) => status === 202)).toBe(true)
  await until(
    'the bad one is tried',
    () => gateway.requestsOf('f0').length,
    (count) => count > 0,
  )
  const good = names.slice(1).flatMap((name) => [`${name}:1`, `${name}:2`, `${name}:3`])
  // With a deadline: a waiting client is told 504 when the function was not served.
  const answers = await Promise.all(good.map((id) => connector.publish(`${id.slice(0, id.indexOf(':'))}?wait=10s`, '', { id })))
  expect(answers.map(({ status }) => status)).toEqual(good.map(() => 200))
  expect(log.lost(good)).toEqual([])
  expect(log.repeats()).toEqual([])
  expect(await connector.metric('millrace_inflight_events')).toBe(100)
  expect(await connector.notReady()).toEqual([])
  expect(await connector.letters()).toEqual([])
  expect(await connector.metric('millrace_conservation_drift')).toBe(0)
})

test('T24 poison, unordered: dead-lettered after its attempts, the others are not held up', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders', 'com.openfaas.retry.attempts': '4' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  gateway.faults.add({ match: { event: 'poison' }, then: { status: 500, body: 'cannot digest this' } })
  const ids = Array.from({ length: 20 }, (_, index) => (index === 3 ? 'poison' : `fine-${index}`))
  await Promise.all(ids.map((id) => connector.publish('orders', id, { id })))
  await until(
    'the others are through',
    () => new Set(log.calls.map(({ id }) => id)).size,
    (count) => count === 19,
  )
  // The function goes on to serve others, or a lone poison would wait for `poison-after`.
  let more = 0
  await until(
    'the letter',
    async () => {
      await connector.publish('orders?wait=true', '', { id: `more-${(more += 1)}` })
      return connector.letters()
    },
    (letters) => letters.length > 0,
  )
  await connector.settled()
  const letters = await connector.letters()
  expect(letters).toMatchObject([{ function: 'orders.openfaas-fn', reason: 'exhausted', attempts: 4, event: { id: 'poison' } }])
  expect(letters[0]?.history.map(({ status }) => status)).toEqual([500, 500, 500, 500])
  expect(Buffer.from(letters[0]?.event.data ?? '').toString()).toBe('poison')
  expect(gateway.requests.filter(({ eventId }) => eventId === 'poison')).toHaveLength(4)
})

test('T24 poison, ordered by key: its own key waits in order behind it, other keys go on, then the rest follows in order', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({
    functions: {
      orders: log.function({ topic: 'orders', 'com.openfaas.connector.order': 'key', 'com.openfaas.retry.attempts': '8' }),
    },
  })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { retry_min_wait: '100ms', retry_jitter: 'none' } })
  await connector.ready()
  gateway.faults.add({ match: { event: 'urn:e2e|a1' }, then: { status: 500 } })
  const publish = async (key: string, index: number): Promise<void> => {
    const cloudEvent = ['ce-specversion', '1.0', 'ce-type', 't', 'ce-source', 'urn:e2e', 'ce-id', `${key}${index}`, 'ce-partitionkey', key]
    expect((await connector.publish('orders', '', { rawHeaders: cloudEvent })).status).toBe(202)
  }
  for (let index = 0; index < 6; index += 1) await publish('a', index)
  let others = 0
  // Other keys are served between the poison's attempts.
  await until(
    'the letter',
    async () => {
      await publish('b', (others += 1) - 1)
      return connector.letters()
    },
    (letters) => letters.length > 0,
  )
  await connector.settled()
  const of = (key: string): string[] => log.calls.map(({ id }) => id).filter((id) => id.startsWith(`urn:e2e|${key}`))
  expect(of('a')).toEqual(['urn:e2e|a0', 'urn:e2e|a2', 'urn:e2e|a3', 'urn:e2e|a4', 'urn:e2e|a5'])
  expect(of('b')).toEqual(Array.from({ length: others }, (_, index) => `urn:e2e|b${index}`))
  expect(await connector.letters()).toMatchObject([{ reason: 'exhausted', attempts: 8, event: { id: 'urn:e2e|a1' } }])
  // Nothing of the key overtook it: no later event was called before the last attempt of the poison.
  const order = gateway.requests.map(({ eventId }) => eventId).filter((id) => id?.startsWith('urn:e2e|a'))
  expect(order).toEqual([
    'urn:e2e|a0',
    ...Array.from({ length: 8 }, () => 'urn:e2e|a1'),
    'urn:e2e|a2',
    'urn:e2e|a3',
    'urn:e2e|a4',
    'urn:e2e|a5',
  ])
})

test('R3 T23 a function that failed is tried again alone: those that succeeded are not called twice', async () => {
  const gateway = await fakeGateway({ functions: { a: { annotations: { topic: 't' } }, b: { annotations: { topic: 't, t' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  gateway.faults.add({ match: { function: 'b', attempt: 1 }, then: { status: 503 } })
  const results = (await connector.publish('t?wait=true', '', { id: 'e' })).json()['results'] as { function: string; attempts: number }[]
  expect(results.map(({ function: name, attempts }) => `${name} ${attempts}`).toSorted()).toEqual(['a.openfaas-fn 1', 'b.openfaas-fn 2'])
  expect(gateway.requests.map((request) => `${request.function} ${request.attempt}`).toSorted()).toEqual([
    'a.openfaas-fn 1',
    'b.openfaas-fn 1',
    'b.openfaas-fn 2',
  ])
  await connector.settled()
})
