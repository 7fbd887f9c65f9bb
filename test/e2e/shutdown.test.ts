import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { startCron, startHttp } from './kit/connector.ts'
import { CallLog, takes } from './kit/ledger-view.ts'
import { startLoad } from './kit/load.ts'
import { atEnd, guardTests, until } from './kit/scope.ts'

guardTests()

test('T2 N5 SIGTERM under load: what was accepted is delivered or kept, nothing is dead-lettered, exit 0 before the deadline', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }, takes(5, 60, Math.random)) } })
  atEnd(() => gateway.close())
  let connector = await startHttp({ gatewayUrl: gateway.url, env: { drain_timeout: '10s' } })
  await connector.ready()
  const load = startLoad({ target: () => connector, path: 'orders', clients: 12, acknowledges: ({ status }) => status === 202 })
  await gateway.waitFor(100, 15_000)
  const asked = Date.now()
  const ending = await connector.stop()
  expect(ending).toEqual({ code: 0, signal: null })
  expect(Date.now() - asked).toBeLessThan(10_000)
  expect(log.running()).toBe(0)
  expect(await connector.letters()).toEqual([])

  connector = await connector.again()
  await connector.ready()
  await load.finish()
  await connector.settled()
  expect(log.lost(load.acknowledged)).toEqual([])
  // A drain is no crash: what had been delivered is not delivered again.
  const twice = log.repeats().map(({ again }) => again.id)
  expect(twice.filter((id) => !load.refused.some((refusal) => refusal.id === id))).toEqual([])
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})

test('T2 N5 SIGTERM with waiting clients: each gets its results or a 503 with Retry-After', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({
    functions: { quick: log.function({ topic: 'work' }, takes(150, 400, Math.random)) },
  })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { max_inflight: '8', drain_timeout: '10s' } })
  await connector.ready()
  const answers = Array.from({ length: 30 }, (_, index) => connector.publish('work?wait=true', '', { id: `w-${index}` }))
  await until(
    'all are taken',
    () => connector.metric('millrace_events_received_total'),
    (count) => count === 30,
  )
  await gateway.waitFor(8)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
  const all = await Promise.all(answers)
  for (const [index, answer] of all.entries()) {
    const calls = log.calls.filter(({ id }) => id === `w-${index}`)
    if (answer.status === 200) {
      expect(answer.json()).toMatchObject({ id: `w-${index}`, results: [{ function: 'quick.openfaas-fn', outcome: 'done', status: 200 }] })
      expect(calls).toHaveLength(1)
    } else {
      expect(answer.status).toBe(503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      // Released, not half done: no function has it.
      expect(calls).toEqual([])
    }
  }
  expect(all.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(8)
  expect(all.some(({ status }) => status === 503)).toBe(true)
  expect(await connector.letters()).toEqual([])
})

test.each(['SIGTERM', 'SIGINT'] as const)('T3 %s twice: a forced exit at once, and what was in flight is replayed', async (signal) => {
  const log = new CallLog()
  let hang = true
  const gateway = await fakeGateway({
    functions: {
      slow: log.function({ topic: 'slow' }, async ({ signal: left }) => {
        if (hang) await new Promise((resolve) => left.addEventListener('abort', resolve))
      }),
    },
  })
  atEnd(() => gateway.close())
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { drain_timeout: '600s' } })
  await connector.ready()
  expect((await connector.publish('slow', '', { id: 'held' })).status).toBe(202)
  await gateway.waitFor(1)
  process.kill(connector.pid, signal)
  await until('it drains', connector.output, (text) => text.includes('"draining"'))
  process.kill(connector.pid, signal)
  expect(await connector.exited).toEqual({ code: signal === 'SIGTERM' ? 143 : 130, signal: null })
  expect(await connector.letters()).toEqual([])
  hang = false
  const next = await connector.again()
  await next.ready()
  await until(
    'the event is replayed',
    () => log.calls.length,
    (count) => count === 2,
  )
  expect(log.calls.map(({ id }) => id)).toEqual(['held', 'held'])
  await next.settled()
})

test('T2 N5 SIGTERM while a cron function runs: the run is finished and is not repeated', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({
    functions: { tick: log.function({ topic: 'cron-function', schedule: '* * * * * *' }, takes(700, 700, Math.random)) },
  })
  atEnd(() => gateway.close())
  const connector = await startCron({ gatewayUrl: gateway.url, env: { drain_timeout: '10s' } })
  await gateway.waitFor(1)
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
  expect(log.running()).toBe(0)
  const before = log.calls.length
  const next = await connector.again()
  await next.ready()
  await gateway.waitFor(before + 1)
  await next.stop()
  expect(log.repeats()).toEqual([])
  expect(await next.letters()).toEqual([])
})
