import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { startCron, startHttp } from './kit/connector.ts'
import { CallLog } from './kit/ledger-view.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

test('T19 T9 R1 the gateway goes and comes back: readiness says so, attempts are not used up, nothing is lost or dead-lettered', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }) } })
  atEnd(() => gateway.close())
  // Far more failures fit into the time it is away than there are attempts; the breaker opens after five, and one call may be cut.
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { retry_attempts: '8', retry_poison_after: '0s' } })
  await connector.ready()
  await gateway.down()
  const accepted = ids('away', 40)
  for (const id of accepted) expect((await connector.publish('orders', id, { id })).status).toBe(202)
  const reasons = await until('it is not ready', connector.notReady, (now) => now.length > 0)
  expect(reasons.join()).toContain('the gateway cannot be used')
  expect((await connector.admin('/livez')).status).toBe(200)
  const probes = await connector.metric('millrace_invocations_total')
  await until(
    'several probes have failed',
    () => connector.metric('millrace_invocations_total'),
    (count) => count >= probes + 5,
  )
  expect(log.calls).toEqual([])
  await gateway.up()
  await connector.ready()
  await connector.settled()
  expect(log.lost(accepted)).toEqual([])
  expect(log.repeats()).toEqual([])
  expect(await connector.letters()).toEqual([])
  expect(await connector.metric('millrace_events_dead_total')).toBe(0)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T19 the same with a single event, as a quiet connector has it', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { retry_attempts: '8', retry_poison_after: '0s' } })
  await connector.ready()
  await gateway.down()
  expect((await connector.publish('orders', '', { id: 'lonely' })).status).toBe(202)
  await until(
    'more has failed than there are attempts',
    () => connector.metric('millrace_invocations_total'),
    (count) => count > 16,
  )
  expect(await connector.metric('millrace_inflight_events')).toBe(1)
  await gateway.up()
  await connector.ready()
  await connector.settled()
  expect(log.calls.map(({ id }) => id)).toEqual(['lonely'])
  expect(await connector.letters()).toEqual([])
})

test('T19 a name that does not resolve: alive, not ready, nothing taken in, and it stops at once', async () => {
  const connector = await startHttp({ gatewayUrl: 'http://gateway.invalid:8080' })
  await until(
    'a failed list',
    () => connector.metric('millrace_discovery_failures_total'),
    (count) => count > 0,
  )
  expect((await connector.admin('/livez')).status).toBe(200)
  expect((await connector.admin('/readyz')).status).toBe(503)
  expect((await connector.publish('orders', 'x')).status).toBe(503)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T19 openfaas S6 C1 half-open connections and cut answers: tried again after the timeout, delivered, nobody dead-lettered', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }) } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { upstream_timeout: '300ms' } })
  await connector.ready()
  // For the first two attempts of each event.
  const wires = ['hang', 'hang-mid-body', 'reset', 'reset-mid-body', 'truncated', 'empty-reply', 'garbage', 'endless'] as const
  for (const wire of wires)
    gateway.faults.add({ match: { event: wire, attempt: [1, 2] }, then: { wire, status: 500, body: 'half of this' } })
  const answers = await Promise.all(wires.map((wire) => connector.publish('orders?wait=true', wire, { id: wire })))
  for (const [index, answer] of answers.entries()) {
    const wire = wires[index] ?? ''
    expect(answer.json(), wire).toEqual({
      id: wire,
      results: [{ function: 'orders.openfaas-fn', outcome: 'done', status: 200, attempts: 3 }],
    })
  }
  expect(log.lost(wires)).toEqual([])
  await connector.settled()
  expect(await connector.letters()).toEqual([])
})

test('P9 a 200 whose body breaks or never ends: the status counts up to the cap, broken framing does not', async () => {
  const gateway = await fakeGateway({ functions: { orders: { annotations: { topic: 'orders' } } } })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { upstream_timeout: '5s', reply_cap: '64KiB' } })
  await connector.ready()
  gateway.faults.add({ match: { event: 'endless' }, then: { wire: 'endless' } })
  gateway.faults.add({ match: { event: 'huge' }, then: { bodyBytes: 1024 ** 3 } })
  gateway.faults.add({ match: { event: 'cut', attempt: 1 }, then: { wire: 'truncated', body: 'this is cut off' } })
  const attemptsOf = async (id: string): Promise<unknown> => (await connector.publish('orders?wait=true', '', { id })).json()['results']
  expect(await attemptsOf('endless')).toMatchObject([{ outcome: 'done', status: 200, attempts: 1 }])
  expect(await attemptsOf('huge')).toMatchObject([{ outcome: 'done', status: 200, attempts: 1 }])
  expect(await attemptsOf('cut')).toMatchObject([{ outcome: 'done', status: 200, attempts: 2 }])
  await connector.settled()
})

test('T19 a gateway that accepts and never answers: lists time out or hang, the connector lives and stops at once', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.resume()
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
  })
  const connector = await startHttp({ gatewayUrl: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` })
  await until(
    'it was asked',
    () => sockets.size,
    (count) => count > 0,
  )
  expect((await connector.admin('/livez')).status).toBe(200)
  expect((await connector.admin('/readyz')).status).toBe(503)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T9 C4 cron while the gateway is away: slots wait and are all delivered', async () => {
  const log = new CallLog()
  const every = { topic: 'cron-function', schedule: '* * * * * *', 'com.openfaas.connector.catch-up': 'all' }
  const gateway = await fakeGateway({ functions: { tick: log.function(every) } })
  atEnd(() => gateway.close())
  const connector = await startCron({ gatewayUrl: gateway.url, env: { retry_attempts: '8', retry_poison_after: '0s' } })
  await gateway.waitFor((requests) => requests.some(({ status }) => status === 200))
  await gateway.down()
  await until('it is not ready', connector.notReady, (reasons) => reasons.length > 0)
  await until(
    'slots wait',
    () => connector.metric('millrace_inflight_events'),
    (count) => count >= 2,
  )
  await gateway.up()
  await connector.ready()
  const last = Math.floor(Date.now() / 1000)
  // One that was cut when the gateway went is called twice.
  const slots = (): number[] => {
    const ids = new Set(log.calls.map(({ id }) => id))
    return [...ids].map((id) => Number(id.slice(id.lastIndexOf(':') + 1)))
  }
  // Slots are unordered: the last one may come while an earlier one still waits for its next attempt.
  const missing = (): number[] => {
    const seen = new Set(slots())
    const first = Math.min(...seen)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((slot) => !seen.has(slot))
  }
  await until('every slot has come', missing, (left) => left.length === 0, 30_000)
  expect(await connector.letters()).toEqual([])
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})
