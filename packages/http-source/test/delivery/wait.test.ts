import { memoryDeadLetters } from '@millrace/sdk'
import type { Delivery } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { httpSource } from '../../src/http-source.ts'
import { atEnd, bench, guardTests, handMadeContext, send, until } from '../kit.ts'

guardTests()

test('?wait=true gives the result of every function', async () => {
  let calls = 0
  const { connector, post } = await bench(
    {
      good: { annotations: { topic: 't' } },
      bad: { annotations: { topic: 't' }, handler: () => ({ status: 422 }) },
      flaky: { annotations: { topic: 't' }, handler: () => ({ status: (calls += 1) < 3 ? 500 : 204 }) },
      picky: { annotations: { topic: 't', 'com.openfaas.connector.filter': 'header:x=no' } },
    },
    { connector: { deadLetters: memoryDeadLetters() } },
  )
  const answer = await post('t?wait=true', 'x', [['idempotency-key', 'k']])
  expect(answer.status).toBe(200)
  const { id, results } = answer.json() as { id: string; results: { function: string }[] }
  expect(id).toBe('k')
  expect(results.toSorted((a, b) => a.function.localeCompare(b.function))).toEqual([
    { function: 'bad.openfaas-fn', outcome: 'dead-lettered', status: 422, attempts: 1, reason: 'rejected' },
    { function: 'flaky.openfaas-fn', outcome: 'done', status: 204, attempts: 3 },
    { function: 'good.openfaas-fn', outcome: 'done', status: 200, attempts: 1 },
    { function: 'picky.openfaas-fn', outcome: 'filtered', attempts: 0 },
  ])
  expect(connector.stats()).toMatchObject({ received: 1, inFlight: 0, drift: 0 })
})

test('a topic that nobody wants has no results', async () => {
  const { post } = await bench({ a: { annotations: { topic: 't' } } })
  const answer = await post('nobody?wait=5s')
  expect([answer.status, answer.json()['results']]).toEqual([200, []])
})

/** A source whose runtime is the test. */
const connected = async (options: Parameters<typeof httpSource>[0] = {}) => {
  const clock = manualClock()
  const emitted: Delivery[] = []
  const source = httpSource(options)
  const session = await source.connect(handMadeContext({ clock, emit: (delivery) => void emitted.push(delivery) }))
  atEnd(() => session.close())
  return { clock, emitted, session, url: source.url ?? '' }
}

test('the longest wait answers 504 with the id, and the delivery goes on', async () => {
  const { clock, emitted, url } = await connected()
  const sending = send(`${url}t?wait=30s`, 'x', { headers: [['idempotency-key', 'k']] })
  await until('emitted', () => emitted.length === 1)
  clock.advance(29_999)
  expect(clock.pending).toBe(1)
  clock.advance(1)
  const answer = await sending
  expect(answer.status).toBe(504)
  expect(answer.json()).toMatchObject({ type: 'urn:millrace:problem:wait-over', id: 'k', status: 504 })
  // The settlement comes late and disturbs nobody.
  expect(() => emitted[0]?.ack({ results: [] })).not.toThrow()
})

test('?wait=true waits for the cap', async () => {
  const { clock, emitted, url } = await connected({ maxWaitMs: 7000 })
  const sending = send(`${url}t?wait=true`, 'x')
  await until('emitted', () => emitted.length === 1)
  clock.advance(7000)
  expect((await sending).status).toBe(504)
  const longer = await send(`${url}t?wait=8s`, 'x')
  expect([longer.status, longer.json()['detail']]).toEqual([400, 'The wait is longer than 7s, the longest that is allowed.'])
})

test('a release answers 503 with Retry-After and the id', async () => {
  const { emitted, clock, url } = await connected()
  const sending = send(`${url}t?wait=true`, 'x', { headers: [['idempotency-key', 'k']] })
  await until('emitted', () => emitted.length === 1)
  emitted[0]?.release('drain')
  const answer = await sending
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5'])
  expect(answer.json()).toMatchObject({ type: 'urn:millrace:problem:released', id: 'k' })
  expect(clock.pending).toBe(0)
})

test('a drain releases who waits for a function that hangs', async () => {
  const { connector, gateway, post } = await bench(
    {
      slow: {
        annotations: { topic: 't' },
        handler: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      },
    },
    { connector: { drainMs: 50 } },
  )
  const sending = post('t?wait=true', 'x')
  await gateway.waitFor(1)
  await connector.stop()
  expect((await sending).status).toBe(503)
})

test('a client that leaves does not stop the delivery, and no timer stays', async () => {
  const { clock, emitted, url } = await connected()
  const out = request(`${url}t?wait=true`, { method: 'POST', agent: false })
  out.on('error', () => {})
  out.end('x')
  await until('emitted', () => emitted.length === 1)
  out.destroy()
  await until('the wait is over', () => clock.pending === 0)
  expect(() => emitted[0]?.ack({ results: [] })).not.toThrow()
})

test('only so many may wait', async () => {
  const { emitted, url } = await connected({ maxWaiting: 1 })
  const first = send(`${url}t?wait=true`, 'x')
  await until('emitted', () => emitted.length === 1)
  const second = await send(`${url}t?wait=true`, 'x')
  expect([second.status, second.json()['detail']]).toEqual([429, 'Too many clients wait for results.'])
  expect((await send(`${url}t`, 'x')).status).toBe(202)
  await emitted[0]?.ack({ results: [] })
  expect((await first).status).toBe(200)
  const third = send(`${url}t?wait=true`, 'x')
  await until('emitted', () => emitted.length === 2)
  await emitted[1]?.ack({ results: [] })
  expect((await third).status).toBe(200)
})
