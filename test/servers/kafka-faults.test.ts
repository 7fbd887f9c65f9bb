import type { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAlive } from '../processes/is-alive.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { createClient, kafka, readTopic, withAdmin, type KafkaCluster } from './kafka.ts'
import { startToxiproxy, type Proxy, type Toxiproxy } from './toxiproxy.ts'

let toxiproxy: Toxiproxy
let server: KafkaCluster
let proxy: Proxy
let client: Kafka

const timeout = 120_000

const fencedSoon = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' }

beforeAll(async () => {
  toxiproxy = await startToxiproxy()
  // A broker that comes back after kill -9 waits until its old self is fenced, 9 s by default.
  server = await kafka.single({ secure: false, toxiproxy, properties: fencedSoon })
  if (server.broker.proxy === undefined) throw new Error('the broker has no proxy')
  proxy = server.broker.proxy
  client = createClient({ brokers: [...server.bootstrap] })
}, 180_000)

afterAll(async () => {
  await server.stop()
  await toxiproxy.stop()
}, 60_000)

const write = async (topic: string, ...values: readonly string[]): Promise<void> => {
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

/** Time of one question and answer through the proxy, on a connection that is open. */
const throughProxy = (use: (ask: () => Promise<number>) => Promise<void>, requestTimeout = 30_000): Promise<void> =>
  withAdmin({ brokers: [...server.proxied], requestTimeout, retry: { retries: 0 } }, async (admin) => {
    const ask = async (): Promise<number> => {
      const start = performance.now()
      await admin.describeCluster()
      return performance.now() - start
    }
    await ask()
    await use(ask)
  })

test('what was acknowledged is there after kill -9 and a restart, and after a stop and a restart', { timeout }, async () => {
  await server.createTopic('kept')
  await write('kept', 'one', 'two')
  const { pid } = server.broker
  await server.broker.kill9()
  expect(isAlive(pid)).toBe(false)
  expect(server.broker.running).toBe(false)
  await server.broker.start()
  expect(server.broker.pid).not.toBe(pid)
  await write('kept', 'three')
  await server.broker.restart()
  expect((await readTopic(client, 'kept', 3)).map(({ value }) => value)).toEqual(['one', 'two', 'three'])
})

test('a broker that is held up answers nothing, and all of it afterwards', { timeout }, async () => {
  await withAdmin({ brokers: [...server.bootstrap] }, async (admin) => {
    await admin.describeCluster()
    server.broker.pause()
    let answered = false
    const answer = admin.describeCluster().then(() => (answered = true))
    // Real time: there is no sign of something that does not happen.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(answered).toBe(false)
    server.broker.resume()
    await answer
  })
})

test('clients are told to come through the proxy, so its latency is felt on every answer', { timeout }, async () => {
  await throughProxy(async (ask) => {
    const before = await ask()
    const latency = await proxy.add({ type: 'latency', latencyMs: 1500 })
    expect(await ask()).toBeGreaterThanOrEqual(1490)
    await latency.remove()
    await waitUntil(async () => (await ask()) < 1400, { timeoutMs: 20_000, what: 'the latency to be gone' })
    expect(before).toBeLessThan(1490)
  })
})

test('T9 a black hole swallows a request, and the connection seems to be open', { timeout }, async () => {
  await throughProxy(async (ask) => {
    await proxy.add({ type: 'black-hole' })
    await expect(ask()).rejects.toMatchObject({ name: 'KafkaJSRequestTimeoutError' })
    await proxy.heal()
  }, 2000)
  await throughProxy(async (ask) => void (await ask()))
})

test('stopped, nothing of it runs', { timeout }, async () => {
  const pids = [toxiproxy.pid, server.broker.pid]
  expect(pids.map(isAlive)).toEqual([true, true])
  await server.stop()
  await toxiproxy.stop()
  expect(pids.map(isAlive)).toEqual([false, false])
})
