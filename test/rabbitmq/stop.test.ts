import { beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { acknowledgedExcept } from '../ledger/report.ts'
import { stopUnderLoad } from '../ledger/stop-under-load.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { rabbitmq, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { idsIn } from './kit/messages.ts'
import { RabbitmqRun } from './kit/run.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const running = (run: RabbitmqRun): number => run.calls().filter(({ end }) => end === Infinity).length

const waitForRunning = (run: RabbitmqRun, count: number): Promise<void> =>
  waitUntil(() => running(run) === count, { timeoutMs: 60_000, what: () => `${count} calls that run; there are ${running(run)}` })

test.concurrent(
  'T2 N5 SIGTERM under load: exit 0 within the drain, nothing lost, repeated or dead-lettered, and the next one goes on',
  { timeout: 120_000 },
  async () => {
    await using run = await RabbitmqRun.open({ broker, behaviour: [{ delayMs: [50, 400] }] })
    const load = run.load({ perSecond: 50 })
    const stops = []
    for (const afterMs of [50, 700]) stops.push(await stopUnderLoad(run, await run.start(), afterMs))
    const last = await run.start()
    await load.finish()
    await run.drained(60_000)
    say('SIGTERM', stops)
    const found = await run.report({ metrics: await last.metrics() })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(found.confirmed)
    expect(found.cut).toBe(0)
    // It was in the middle of something, or this shows nothing.
    for (const { running: calls, tookMs } of stops) {
      expect(calls).toBeGreaterThan(0)
      expect(tookMs).toBeLessThan(15_000)
    }
  },
)

test.concurrent(
  'T2 N5 SIGTERM with 50 slow calls in flight: those that end in time are acknowledged, the others lie in the queue, and no message is both',
  { timeout: 120_000 },
  async () => {
    const slow = [
      { key: 'k0', delayMs: 2000 },
      { key: 'k1', hang: true },
    ]
    const annotations = { 'com.openfaas.connector.concurrency': '50' }
    await using run = await RabbitmqRun.open({ broker, keys: 2, annotations, prefetch: 60, behaviour: slow, env: { drain_timeout: '6s' } })
    const connector = await run.start()
    await connector.ready()
    await run.publish(100)
    await waitForRunning(run, 50)
    const startedAt = performance.now()
    expect(await connector.stop()).toEqual({ code: 0, signal: null })
    const tookMs = Math.round(performance.now() - startedAt)
    await broker.awaitDepth(run.queue, { unacked: 0 })
    const left = await idsIn(broker, [run.queue])
    const succeeded = run.succeeded()
    say('SIGTERM with 50 slow calls', { tookMs, finished: succeeded.size, left: left.length })
    // A pod has 30 s by default; the drain is over before, whatever the functions do.
    expect(tookMs).toBeLessThan(6000 + 4000)
    expect(succeeded.size).toBeGreaterThan(0)
    expect(left.filter((id) => succeeded.has(id))).toEqual([])
    expect(left.length + succeeded.size).toBe(100)
    const acknowledged = acknowledgedExcept(run.published(), left)
    expect(await run.report({ acknowledged })).toMatchObject({ acknowledgedEarly: [], deadLettered: [], duplicated: 0 })

    await run.functions.setBehaviour([])
    const next = await run.start()
    await run.drained()
    const found = await run.report({ metrics: await next.metrics() })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(100)
  },
)

test.concurrent('T3 SIGTERM twice: a forced exit at once, and what was in flight comes again', { timeout: 120_000 }, async () => {
  await using run = await RabbitmqRun.open({ broker, behaviour: [{ hang: true }], env: { drain_timeout: '600s' } })
  const connector = await run.start()
  await connector.ready()
  await run.publish(5)
  await waitForRunning(run, 5)
  connector.terminate()
  await waitUntil(() => connector.output().includes('"draining"'), { timeoutMs: 10_000, what: () => `it to drain:\n${connector.output()}` })
  const startedAt = performance.now()
  connector.terminate()
  expect(await connector.exited).toEqual({ code: 143, signal: null })
  expect(performance.now() - startedAt).toBeLessThan(5000)
  await broker.awaitDepth(run.queue, { ready: 5, unacked: 0 })
  await run.functions.setBehaviour([])
  const next = await run.start()
  await run.drained()
  const found = await run.report({ metrics: await next.metrics() })
  expect(found.problems).toEqual([])
  expect(found).toMatchObject({ succeeded: 5, cut: 5 })
})
