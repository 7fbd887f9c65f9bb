import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../processes/wait-until.ts'
import { kafka, type KafkaCluster } from '../servers/kafka.ts'
import { startToxiproxy, type Proxy, type Toxiproxy } from '../servers/toxiproxy.ts'
import { KafkaRun } from './kit/run.ts'
import { say } from './kit/say.ts'

let toxiproxy: Toxiproxy
let server: KafkaCluster
let proxy: Proxy
beforeAll(async () => {
  toxiproxy = await startToxiproxy()
  server = await kafka.single({ secure: false, toxiproxy })
  if (server.broker.proxy === undefined) throw new Error('the broker has no proxy')
  proxy = server.broker.proxy
}, 180_000)
afterAll(async () => {
  await server?.stop()
  await toxiproxy?.stop()
}, 60_000)

/** The connector comes through the proxy; the test and its producers do not. */
const open = (): Promise<KafkaRun> =>
  KafkaRun.open({
    brokers: server.bootstrap,
    connectorBrokers: server.proxied,
    behaviour: [{ delayMs: [0, 40] }],
    env: { kafka_request_timeout: '1s', queue_window: '200' },
  })

test(
  'T9 a black hole between connector and broker: it lives, says that it is not ready and why, and goes on afterwards',
  { timeout: 120_000 },
  async () => {
    await using run = await open()
    const connector = await run.start()
    await connector.ready(60_000)
    const load = run.load({ perSecond: 60 })
    await run.waitForSuccesses(100, 60_000)
    const since = Date.now()
    await proxy.add({ type: 'black-hole' })
    const status = async (path: string): Promise<number> => (await connector.get(path)).status
    await waitUntil(async () => (await status('/readyz')) === 503, { timeoutMs: 60_000, what: 'readyz to be false' })
    const noticedMs = Date.now() - since
    expect(await status('/livez')).toBe(200)
    expect(connector.output()).toContain('E_KAFKA_UNREACHABLE')
    await proxy.heal()
    await waitUntil(async () => (await status('/readyz')) === 200, { timeoutMs: 60_000, what: () => connector.output().slice(-3000) })
    await load.finish()
    await run.drained(60_000)
    const found = await run.report({ duplicateBound: 4 * 200, metrics: await connector.metrics() })
    say('black hole', { noticedMs, duplicated: found.duplicated, events: found.confirmed, gap: run.longestGapMs(since) })
    expect(found.problems).toEqual([])
    expect(found.succeeded).toBe(found.confirmed)
  },
)

test(
  'latency of 300 ms, then connections that are cut, then the only broker goes and comes: nothing is lost or out of order',
  { timeout: 120_000 },
  async () => {
    await using run = await open()
    await proxy.add({ type: 'latency', latencyMs: 300, jitterMs: 50 })
    const connector = await run.start()
    await connector.ready(60_000)
    const load = run.load({ perSecond: 60 })
    await run.waitForSuccesses(100, 60_000)
    expect((await connector.metrics()).sum('millrace_kafka_rebalances_total')).toBe(1)
    await proxy.disable()
    await proxy.enable()
    await run.waitForSuccesses(run.succeeded().size + 100, 60_000)
    await proxy.heal()
    await server.broker.stop()
    await waitUntil(async () => (await connector.get('/readyz')).status === 503, { timeoutMs: 60_000, what: 'readyz to be false' })
    await server.broker.start()
    await connector.ready(60_000)
    await run.waitForSuccesses(run.succeeded().size + 100, 60_000)
    await load.finish()
    await run.drained(60_000)
    const found = await run.report({ duplicateBound: 2 * 4 * 200, metrics: await connector.metrics() })
    say('latency, a cut and a restart', { duplicated: found.duplicated, events: found.confirmed })
    expect(found.problems).toEqual([])
    // What was on its way when the broker went may be there without a word of it.
    expect(found.succeeded).toBeGreaterThanOrEqual(found.confirmed)
  },
)
