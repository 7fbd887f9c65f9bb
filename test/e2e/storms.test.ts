import { fakeGateway, type FakeGateway, type FaultAction } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startHttp } from './kit/connector.ts'
import { CallLog } from './kit/ledger-view.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

const publishAll = async (connector: HttpConnector, topic: string, all: readonly string[]): Promise<void> => {
  const answers = await Promise.all(all.map((id) => connector.publish(topic, id, { id })))
  expect(answers.map(({ status }) => status)).toEqual(all.map(() => 202))
}

test('T18 R2 a 5xx storm: the breaker opens, nothing is dead-lettered, and all is delivered when it is over', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }) } })
  atEnd(() => gateway.close())
  // A quarter of the default attempts, and far more probes than that before the storm ends.
  const connector = await startHttp({
    gatewayUrl: gateway.url,
    env: { retry_attempts: '6', breaker_function_open: '100ms', max_inflight_per_function: '4' },
  })
  await connector.ready()
  const stop = gateway.faults.add({ name: 'storm', match: { function: 'orders' }, then: { status: 500, body: 'down' } })
  const all = ids('storm', 60)
  await publishAll(connector, 'orders', all)
  const breaker = (): Promise<number> => connector.metric('millrace_breaker_state', { function: 'orders' })
  await until(
    'the breaker opens',
    () => connector.output(),
    (text) => text.includes('breaker'),
  )
  const attempts = gateway.requests.length
  await until(
    'it has been probed',
    () => gateway.requests.length,
    (count) => count >= attempts + 12,
  )
  // One probe at a time instead of 60 events that hammer: every event alone would have made six calls by now.
  expect(gateway.requests.length).toBeLessThan(all.length)
  expect(log.calls).toEqual([])
  expect(await connector.letters()).toEqual([])
  expect(await connector.metric('millrace_inflight_events')).toBe(60)
  expect(await connector.notReady()).toEqual([])
  stop()
  await connector.settled()
  expect(log.lost(all)).toEqual([])
  expect(log.repeats()).toEqual([])
  expect(await connector.letters()).toEqual([])
  expect(await breaker()).toBe(0)
})

/** Publishes one event that meets `then` once; gives the milliseconds between its two attempts. */
const gapAfter = async (gateway: FakeGateway, connector: HttpConnector, id: string, then: FaultAction): Promise<number> => {
  gateway.faults.add({ match: { event: id, attempt: 1 }, then })
  const answer = await connector.publish('orders?wait=true', '', { id })
  expect(answer.json(), id).toMatchObject({ results: [{ outcome: 'done', status: 200, attempts: 2 }] })
  const [first, second] = gateway.requests.filter(({ eventId }) => eventId === id)
  return (second?.at ?? 0) - (first?.at ?? 0)
}

test('T21 429 with Retry-After in seconds, as a date, huge, negative and nonsense: obeyed, capped, or ignored', async () => {
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { retry_after_cap: '1500ms', retry_jitter: 'none' } })
  await connector.ready()
  const busy = (value: string, status = 429): FaultAction => ({ status, headers: { 'Retry-After': value } })
  const gap = (id: string, then: FaultAction): Promise<number> => gapAfter(gateway, connector, id, then)
  const [seconds, date, past, huge, negative, nonsense, unavailable] = await Promise.all([
    gap('seconds', busy('1')),
    // Whole seconds: the date lies between one and two seconds ahead.
    gap('date', busy(new Date(Date.now() + 2000).toUTCString())),
    gap('past', busy('Wed, 21 Oct 2015 07:28:00 GMT')),
    gap('huge', busy('99999999999999999999')),
    gap('negative', busy('-5')),
    gap('nonsense', busy('soon \u00e9')),
    gap('unavailable', busy('1', 503)),
  ])
  for (const obeyed of [seconds, unavailable]) expect(obeyed).toBeGreaterThanOrEqual(990)
  expect(huge).toBeGreaterThanOrEqual(1490)
  // Without the cap these would still wait.
  expect(Math.max(huge, date)).toBeLessThan(10_000)
  for (const soon of [past, negative, nonsense]) expect(soon).toBeLessThan(990)
  await connector.settled()
  expect(await connector.letters()).toEqual([])
})

test('T22 openfaas S5 final refusals: 4xx go to the dead letters at once, with one call', async () => {
  const statuses = [400, 405, 406, 411, 413, 414, 415, 418, 422, 451]
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  for (const status of statuses) gateway.faults.add({ match: { event: `status-${status}` }, then: { status, body: 'no' } })
  const answers = await Promise.all(statuses.map((status) => connector.publish('orders?wait=true', '', { id: `status-${status}` })))
  for (const [index, answer] of answers.entries()) {
    expect(answer.json()['results']).toMatchObject([{ outcome: 'dead-lettered', reason: 'rejected', status: statuses[index], attempts: 1 }])
  }
  expect(gateway.requests).toHaveLength(statuses.length)
  await connector.settled()
  const letters = await connector.letters()
  expect(letters.map(({ event }) => event.id).toSorted()).toEqual(statuses.map((status) => `status-${status}`))
})

test('T22 410: the function is called no more until it is deployed again', async () => {
  const gateway = await fakeGateway({ functions: { old: { annotations: { topic: 'old' }, handler: () => ({ status: 410 }) } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  for (const id of ['one', 'two']) {
    expect((await connector.publish('old?wait=true', '', { id })).json()['results']).toMatchObject([
      { outcome: 'dead-lettered', reason: 'gone' },
    ])
  }
  expect(gateway.requests).toHaveLength(1)
  gateway.setFunction('old', { annotations: { topic: 'old' }, createdAt: '2026-01-01T00:00:00Z' })
  const outcome = async (): Promise<unknown> =>
    ((await connector.publish('old?wait=true')).json()['results'] as { outcome: string }[])[0]?.outcome
  await until('it is called again', outcome, (now) => now === 'done')
  await connector.settled()
})

test('T22 openfaas S14 3xx and 401: never followed, never final; readiness tells of the redirect; delivered once it is mended', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }), secret: log.function({ topic: 'secret' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  const mendRedirect = gateway.faults.add({
    match: { function: 'orders' },
    then: { status: 307, headers: { Location: `${gateway.url}/function/elsewhere` } },
  })
  const mendDenied = gateway.faults.add({ match: { function: 'secret' }, then: { status: 401, body: 'who are you' } })
  await publishAll(connector, 'orders', ids('moved', 5))
  await publishAll(connector, 'secret', ids('denied', 5))
  const reasons = await until('readiness tells', connector.notReady, (now) => now.length > 0)
  expect(reasons.join()).toMatch(/redirect.*orders/)
  await until(
    'both were called',
    () => gateway.requestsOf('secret').length * gateway.requestsOf('orders').length,
    (count) => count > 0,
  )
  expect(gateway.requestsOf('elsewhere')).toEqual([])
  expect(await connector.letters()).toEqual([])
  mendRedirect()
  mendDenied()
  // Deployed again: the slow waits of 30 s and more end at once.
  for (const name of ['orders', 'secret'])
    gateway.setFunction(name, { ...log.function({ topic: name }), createdAt: '2026-01-01T00:00:00Z' })
  await connector.settled()
  await connector.ready()
  expect(log.lost([...ids('moved', 5), ...ids('denied', 5)])).toEqual([])
  expect(await connector.letters()).toEqual([])
})

test('T22 1xx without end and a reply with a header of 1 MiB: a failed attempt like any other', async () => {
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  for (const wire of ['informational-flood', 'huge-header'] as const) {
    gateway.faults.add({ match: { event: wire, attempt: 1 }, then: { wire } })
    expect((await connector.publish('orders?wait=true', '', { id: wire })).json()['results']).toMatchObject([
      { outcome: 'done', attempts: 2 },
    ])
  }
  await connector.settled()
})

test('N4 openfaas S4 an asynchronous hand-over is called accepted, never done', async () => {
  const gateway = await fakeGateway({
    functions: {
      later: { annotations: { topic: 't', 'com.openfaas.connector.async': 'true' }, handler: () => ({ status: 500 }) },
      now: { annotations: { topic: 't' } },
    },
  })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url })
  await connector.ready()
  const results = (await connector.publish('t?wait=true')).json()['results'] as { function: string; outcome: string; status: number }[]
  expect(results.map(({ function: name, outcome, status }) => `${name} ${outcome} ${status}`).toSorted()).toEqual([
    'later.openfaas-fn accepted 202',
    'now.openfaas-fn done 200',
  ])
  expect(await connector.metric('millrace_invocations_total', { function: 'later', outcome: 'accepted' })).toBe(1)
  expect(await connector.metric('millrace_invocations_total', { function: 'later', outcome: 'done' })).toBe(0)
  await connector.settled()
})
