import { fakeGateway } from '@millrace/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bench, uniqueName, until } from './kit.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)

afterEach(() => bench.close())

interface Item {
  readonly id: string
  readonly topic: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: string
  readonly attempt: number
}

const retry = { minWaitMs: 20, maxWaitMs: 50, attempts: 3 }

const setUp = async (answer: (items: readonly Item[], nth: number) => { status?: number; body?: string }) => {
  const queue = uniqueName('orders')
  await bench.broker.declareQueue(queue)
  bench.atEnd(() => bench.broker.deleteQueue(queue))
  bench.atEnd(() => bench.broker.deleteQueue(`${queue}.dlq`))
  const calls: (readonly Item[])[] = []
  const gateway = await fakeGateway({
    functions: {
      f: {
        annotations: {
          topic: queue,
          'com.openfaas.connector.batch-size': '25',
          'com.openfaas.connector.batch-window': '300ms',
        },
        handler: (call) => {
          const items = call.json() as readonly Item[]
          calls.push(items)
          return answer(items, calls.length)
        },
      },
    },
  })
  bench.atEnd(() => gateway.close())
  // Less than a batch: it is raised to one.
  const topology = { prefetch: 10, tiersMs: [] }
  await bench.broker.publish(
    queue,
    Array.from({ length: 100 }, (_, n) => `m${n}`),
  )
  const { connector, source } = await bench.connect(gateway, { topology }, { policy: { retry } })
  await until(async () => (await bench.broker.depth(queue))?.ready === 0, 'all messages are taken')
  await bench.broker.awaitDepth(queue, { ready: 0, unacked: 0 })
  return { queue, calls, connector, source, gateway }
}

const countsOf = (calls: readonly (readonly Item[])[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { data } of calls.flat()) counts.set(data, (counts.get(data) ?? 0) + 1)
  return counts
}

test('T25: batches from a queue are full, and a message that is named as bad is tried and buried alone', async () => {
  const { queue, calls, gateway } = await setUp((items) => ({
    body: JSON.stringify({ batchItemFailures: items.filter(({ data }) => data === 'm42').map(({ id }) => ({ itemIdentifier: id })) }),
  }))
  const counts = countsOf(calls)
  expect(counts.size).toBe(100)
  expect(Math.max(...calls.map((items) => items.length))).toBe(25)
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([['m42', 3]])
  expect(calls[0]?.[0]).toMatchObject({ topic: queue, attempt: 1, headers: { 'X-Rabbitmq-Queue': queue, 'X-Rabbitmq-Routing-Key': queue } })
  expect(gateway.requests[0]?.headers).toEqual(
    expect.arrayContaining([
      ['Content-Type', 'application/json'],
      ['X-Batch-Size', '25'],
    ]),
  )
  expect((await bench.broker.take(`${queue}.dlq`, 9)).map(({ content }) => content.toString())).toEqual(['m42'])
})

test('a message of a batch is acknowledged by itself: what fails waits in a delay queue and goes alone, the others are out of the queue', async () => {
  const queue = uniqueName('orders')
  await bench.broker.declareQueue(queue)
  for (const name of [queue, `${queue}.dlq`, `${queue}.retry.1s`]) bench.atEnd(() => bench.broker.deleteQueue(name))
  const calls: (readonly Item[])[] = []
  const gateway = await fakeGateway({
    functions: {
      f: {
        annotations: { topic: queue, 'com.openfaas.connector.batch-size': '10', 'com.openfaas.connector.batch-window': '300ms' },
        handler: (call) => {
          const items = call.json() as readonly Item[]
          calls.push(items)
          const bad = calls.length === 1 ? items.filter(({ data }) => data === 'm3') : []
          return { body: JSON.stringify({ batchItemFailures: bad.map(({ id }) => ({ itemIdentifier: id })) }) }
        },
      },
    },
  })
  bench.atEnd(() => gateway.close())
  await bench.broker.publish(
    queue,
    Array.from({ length: 10 }, (_, n) => `m${n}`),
  )
  const slow = { minWaitMs: 1000, maxWaitMs: 1000, attempts: 3 }
  await bench.connect(gateway, { topology: { tiersMs: [1000] } }, { policy: { retry: slow }, random: () => 0.999 })
  await until(() => calls.length === 2, 'the one that failed is called again')
  await bench.broker.awaitDepth(queue, { ready: 0, unacked: 0 })
  expect(calls.map((items) => items.map(({ data, attempt }) => `${data}/${attempt}`))).toEqual([
    Array.from({ length: 10 }, (_, n) => `m${n}/1`),
    ['m3/2'],
  ])
})
