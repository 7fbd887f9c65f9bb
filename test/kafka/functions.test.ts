import { beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../processes/wait-until.ts'
import { kafka, type SharedKafka } from '../servers/kafka.ts'
import { partitionOf } from './kit/load.ts'
import { KafkaRun } from './kit/run.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const timeout = 120_000
/** So many attempts that none is used up while a test breaks something. */
const patient = { retry_attempts: '10000' }
const orders = ['key', 'partition'] as const
const ordered = (order: string): Record<string, string> => ({ 'com.openfaas.connector.order': order })

test.concurrent(
  'T17 a function slower than the session timeout: heartbeats go on, no rebalance, every event runs once',
  { timeout },
  async () => {
    const env = { kafka_session_timeout: '6s' }
    await using run = await KafkaRun.open({ brokers: server.bootstrap, keys: 12, behaviour: [{ delayMs: 8000 }], env })
    await run.publish(12)
    const connector = await run.start()
    await run.waitForSuccesses(12, 60_000)
    await run.drained()
    const metrics = await connector.metrics()
    expect(metrics.sum('millrace_kafka_rebalances_total')).toBe(1)
    const found = await run.report({ duplicateBound: 0, metrics })
    expect(found.problems).toEqual([])
    expect(found.calls).toBe(12)
  },
)

describe.concurrent('T23 T24 the head of a partition fails for a while', () => {
  const window = 60
  const partitions = 4

  test.each(orders)(
    'order by %s: everything else flows, also what comes later; its own partition stops at the bound; then all of it goes',
    { timeout },
    async (order) => {
      await using run = await KafkaRun.open({
        brokers: server.bootstrap,
        partitions,
        annotations: ordered(order),
        env: { ...patient, queue_window: String(window) },
        behaviour: [{ key: 'k0', status: 500 }],
      })
      const connector = await run.start()
      const doneIn = (wanted: (partition: number, key: string) => boolean): number =>
        run.calls().filter(({ key, success }) => success && wanted(partitionOf(key, partitions), key)).length
      await run.publish(800)
      for (const total of [600, 900]) {
        const others = (): number => doneIn((partition) => partition !== 0)
        await waitUntil(() => others() === total, {
          timeoutMs: 40_000,
          what: () => `the other partitions to flow: ${others()} of ${total}\n${connector.output().slice(-3000)}`,
        })
        // More comes for all, while the head still fails.
        if (total === 600) await run.publish(400)
      }
      // Of its own partition: other keys up to the bound of what may lie behind the head; with order by partition, nothing at all.
      const own = doneIn((partition) => partition === 0)
      if (order === 'partition') expect(own).toBe(0)
      else expect(own).toBeGreaterThan(window / 2)
      expect(own).toBeLessThanOrEqual(window)
      const committed = await run.committed()
      expect(committed.get(0)?.offset).toBe(0)
      const metrics = await connector.metrics()
      expect(metrics.sum('millrace_kafka_lag_records', { partition: '0' })).toBeGreaterThanOrEqual(200)
      expect(metrics.sum('millrace_kafka_paused_partitions')).toBe(1)
      expect(metrics.sum('millrace_queue_events')).toBeLessThanOrEqual(window)
      await run.functions.setBehaviour([])
      await run.drained(60_000)
      const found = await run.report({ duplicateBound: 0, metrics: await connector.metrics() })
      expect(found.problems).toEqual([])
      expect(found.succeeded).toBe(1200)
    },
  )
})

describe.concurrent('T18 a storm of 5xx', () => {
  test.each(orders)(
    'order by %s: the breaker opens, lag stays in Kafka, nothing becomes a dead letter, and all is delivered afterwards',
    { timeout },
    async (order) => {
      // A third of the attempts that an event has; while nobody is served they are not used up.
      const env = { retry_attempts: '3', queue_window: '50' }
      await using run = await KafkaRun.open({ brokers: server.bootstrap, annotations: ordered(order), env })
      const connector = await run.start()
      const load = run.load({ perSecond: 120 })
      await run.waitForSuccesses(100)
      await run.functions.setBehaviour([{ status: 503 }])
      const failures = (): number => run.calls().filter(({ status }) => status === 503).length
      await waitUntil(() => failures() > 0, { timeoutMs: 20_000, what: 'a failure' })
      const behind = async (): Promise<number> => {
        const [ends, committed] = await Promise.all([run.logEnds(), run.committed()])
        return [...ends].reduce((sum, [partition, end]) => sum + end - (committed.get(partition)?.offset ?? 0), 0)
      }
      await waitUntil(async () => (await behind()) > 400, { timeoutMs: 30_000, everyMs: 200, what: 'lag in Kafka' })
      const metrics = await connector.metrics()
      expect(metrics.sum('millrace_queue_events')).toBeLessThanOrEqual(4 * 50)
      expect(metrics.sum('millrace_events_dead_total')).toBe(0)
      // Probes alone, at the pace of the breaker.
      expect(failures()).toBeLessThan(200)
      await run.functions.setBehaviour([])
      await load.finish()
      await run.drained(60_000)
      const found = await run.report({ duplicateBound: 0, metrics: await connector.metrics() })
      expect(found.problems).toEqual([])
      expect(found.succeeded).toBe(found.confirmed)
    },
  )
})
