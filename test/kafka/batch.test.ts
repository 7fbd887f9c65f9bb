import { fakeGateway } from '@millrace/sdk/testing'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { startConnector, type Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import { createClient, kafka, uniqueName, type SharedKafka } from '../servers/kafka.ts'
import { committedTo } from './kit/committed.ts'
import { connectorMain } from './kit/run.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

interface Item {
  readonly id: string
  readonly key: string
  /** The record's own number. */
  readonly n: number
}

const itemsOf = (body: unknown): readonly Item[] =>
  (body as readonly { id: string; key: string; data: string }[]).map(({ id, key, data }) => ({
    id,
    key,
    n: (JSON.parse(data) as { n: number }).n,
  }))

const total = 200
const keys = 20
const bad = 77

/** What a function saw of each number, in the order of the calls: the size of the call, and the attempt. */
interface Seen {
  readonly calls: Map<number, number>
  readonly sizes: number[]
  /** Numbers of a key, in the order in which they were first seen. */
  readonly order: Map<string, number[]>
}

const setUp = async (
  /** Of the nth call, from 1. It is called before `setUp` has returned. */
  answer: (items: readonly Item[], nth: number) => { status?: number; body?: string },
): Promise<{ seen: Seen; connector: Connector; group: string; topic: string }> => {
  const topic = uniqueName('batch')
  await server.createTopic(topic)
  const producer = createClient({ brokers: [...server.bootstrap] }).producer()
  await producer.connect()
  const messages = Array.from({ length: total }, (_, n) => ({
    key: `k${n % keys}`,
    value: JSON.stringify({ n }),
    headers: { 'content-type': 'application/json' },
  }))
  await producer.send({ topic, messages })
  await producer.disconnect()
  const seen: Seen = { calls: new Map(), sizes: [], order: new Map() }
  const gateway = await fakeGateway({
    functions: {
      orders: {
        annotations: {
          topic,
          'com.openfaas.connector.order': 'key',
          'com.openfaas.connector.batch-size': '50',
          'com.openfaas.connector.batch-window': '200ms',
        },
        handler: (call) => {
          const items = itemsOf(call.json())
          seen.sizes.push(items.length)
          for (const { key, n } of items) {
            if (!seen.calls.has(n)) seen.order.set(key, [...(seen.order.get(key) ?? []), n])
            seen.calls.set(n, (seen.calls.get(n) ?? 0) + 1)
          }
          return answer(items, seen.sizes.length)
        },
      },
    },
  })
  ends.push(() => gateway.close())
  const group = `group-of-${topic}`
  const connector = await startConnector({
    main: connectorMain,
    env: {
      broker_hosts: server.bootstrap.join(','),
      group,
      gateway_url: gateway.url,
      retry_attempts: '4',
      retry_min_wait: '20ms',
      retry_max_wait: '100ms',
      kafka_commit_interval: '200ms',
      kafka_max_wait: '100ms',
    },
  })
  ends.push(() => connector.kill9())
  await waitUntil(async () => (await committedTo(server.bootstrap, group, topic)) === total, {
    timeoutMs: 40_000,
    everyMs: 200,
    what: () => `the commit of all; calls of ${seen.sizes.join()}\n${connector.output().slice(-3000)}`,
  })
  return { seen, connector, group, topic }
}

const inOrder = ({ order }: Seen): void => {
  for (const numbers of order.values()) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
}

test(
  'T25 a batch that names its one bad item: that one is tried again and dies, the others run once, keys stay in order',
  { timeout: 60_000 },
  async () => {
    const { seen, connector } = await setUp((items) => ({
      body: JSON.stringify({ batchItemFailures: items.filter(({ n }) => n === bad).map(({ id }) => ({ itemIdentifier: id })) }),
    }))
    expect(seen.calls.size).toBe(total)
    const again = [...seen.calls].filter(([n, count]) => count > 1 && n !== bad)
    // Items of its key that stood behind it in the same call may not count before it.
    expect(again.every(([n]) => n % keys === bad % keys)).toBe(true)
    expect(seen.calls.get(bad)).toBe(4)
    expect(Math.max(...seen.sizes)).toBe(50)
    inOrder(seen)
    expect((await connector.metrics()).sum('millrace_events_dead_total')).toBe(1)
  },
)

test(
  'T25 T26 a batch that fails as a whole, or answers nonsense: bisected until the bad item is alone; it alone dies',
  { timeout: 60_000 },
  async () => {
    const { seen, connector } = await setUp((items, nth) => {
      if (items.some(({ n }) => n === bad)) return { status: 500, body: 'no' }
      // An id that was not in the batch: the reply is not to be believed, all counts as failed once.
      if (items.length > 1 && nth === 1) return { body: JSON.stringify({ batchItemFailures: [{ itemIdentifier: 'nobody' }] }) }
      return {}
    })
    expect(seen.calls.size).toBe(total)
    inOrder(seen)
    expect((await connector.metrics()).sum('millrace_events_dead_total')).toBe(1)
    expect(connector.output()).not.toContain('breaker opened')
    // Bisecting sends an item again once for each halving, log2(50) at most, and the nonsense costs one more.
    for (const [n, count] of seen.calls) if (n !== bad) expect(count).toBeLessThanOrEqual(8)
  },
)
