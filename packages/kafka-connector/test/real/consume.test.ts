import { silentLogger } from '@millrace/sdk'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DriverConsumer } from '../../src/driver/driver.ts'
import { kafkajsDriver } from '../../src/driver/kafkajs-driver.ts'
import { Bench, bodies, numbered, uniqueName, until } from './kit.ts'

let bench: Bench
// The first one may have to start the server that the run shares.
beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)
afterEach(() => bench.close())

it('gives every record of a topic to its function, and commits to the end', async () => {
  const topic = await bench.topic(3)
  const group = uniqueName('g')
  await bench.publish(topic, numbered(0, 600, 50))
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  const { connector } = await bench.connect(gateway, group)
  await gateway.waitFor(600, 15_000)
  expect(new Set(bodies(gateway.requests)).size).toBe(600)
  const headers = gateway.requests[0]?.headers ?? []
  expect(headers.map(([name]) => name)).toEqual(expect.arrayContaining(['X-Topic', 'X-Kafka-Partition', 'X-Kafka-Offset', 'X-Kafka-Key']))
  await connector.stop()
  const committed = await bench.committed(group, topic)
  expect(committed.reduce((sum, { offset }) => sum + offset, 0)).toBe(600)
})

it('goes on where it stopped', async () => {
  const topic = await bench.topic(2)
  const group = uniqueName('g')
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  await bench.publish(topic, numbered(0, 100, 20))
  const first = await bench.connect(gateway, group)
  await gateway.waitFor(100, 15_000)
  await first.connector.stop()
  await bench.publish(topic, numbered(100, 200, 20))
  await bench.connect(gateway, group)
  await gateway.waitFor(200, 15_000)
  expect(new Set(bodies(gateway.requests)).size).toBe(200)
  expect(gateway.requests.length).toBe(200)
})

it('runs after a kill only what had not ended: later records that had are not run again', async () => {
  const topic = await bench.topic()
  const group = uniqueName('g')
  let stuck = true
  const gateway = await bench.gateway({
    functions: {
      echo: {
        annotations: { topic, 'com.openfaas.connector.order': 'key' },
        handler: (call) => (stuck && call.body.toString() === '3' ? new Promise(() => {}) : { status: 200 }),
      },
    },
  })
  await bench.publish(topic, numbered(0, 40, 40))
  const first = await bench.connect(gateway, group)
  await until(() => first.connector.stats().acked === 39, 'all but one end')
  await until(async () => ((await bench.committed(group, topic))[0]?.metadata ?? '') !== '', 'the commit names what is finished above it')
  expect((await bench.committed(group, topic))[0]).toMatchObject({ offset: 3 })
  await first.connector.kill()
  stuck = false
  gateway.clearRequests()
  await bench.publish(topic, numbered(40, 45, 40))
  const second = await bench.connect(gateway, group)
  await gateway.waitFor(6, 15_000)
  await second.connector.stop()
  expect(bodies(gateway.requests).toSorted()).toEqual(['3', '40', '41', '42', '43', '44'])
  expect((await bench.committed(group, topic))[0]).toEqual({ partition: 0, offset: 45, metadata: '' })
})

it('begins at the end when told so, and keeps that place from then on', async () => {
  const topic = await bench.topic(2)
  const group = uniqueName('g')
  await bench.publish(topic, numbered(0, 50, 10))
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  const first = await bench.connect(gateway, group, { initialOffset: 'newest' })
  await until(async () => (await bench.committed(group, topic)).every(({ offset }) => offset >= 0), 'the ends are committed')
  await first.connector.stop()
  // While nobody is there: these are not skipped.
  await bench.publish(topic, numbered(50, 60, 10))
  await bench.connect(gateway, group, { initialOffset: 'newest' })
  await gateway.waitFor(10, 15_000)
  expect(
    bodies(gateway.requests)
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual(numbered(50, 60).map(({ value }) => Number(value)))
})

it('keeps the order of each key while many keys are in flight', async () => {
  const topic = await bench.topic(2)
  const starts = new Map<string, number[]>()
  const gateway = await bench.gateway({
    functions: {
      echo: {
        annotations: { topic, 'com.openfaas.connector.order': 'key' },
        handler: async (call) => {
          const value = Number(call.body.toString())
          const key = `k${value % 20}`
          starts.set(key, [...(starts.get(key) ?? []), value])
          await new Promise((resolve) => setTimeout(resolve, value % 7))
          return { status: 200 }
        },
      },
    },
  })
  await bench.publish(topic, numbered(0, 800, 20))
  const { connector } = await bench.connect(gateway, uniqueName('g'))
  await until(() => connector.stats().acked === 800, 'all end')
  expect(starts.size).toBe(20)
  for (const values of starts.values()) expect(values).toEqual(values.toSorted((a, b) => a - b))
})

it('moves over aborted transactions and markers, and shows none of their records', async () => {
  const topic = await bench.topic()
  const group = uniqueName('g')
  const producer = bench.client.producer({ transactionalId: uniqueName('tx'), maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [value, how] of [
    ['yes', 'commit'],
    ['no', 'abort'],
    ['also', 'commit'],
    ['never', 'abort'],
  ] as const) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value }] })
    await transaction[how]()
  }
  await producer.disconnect()
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  const { source } = await bench.connect(gateway, group)
  await gateway.waitFor(2, 15_000)
  await until(async () => (await bench.committed(group, topic))[0]?.offset === 8, 'the commit stands behind the last marker')
  expect(bodies(gateway.requests)).toEqual(['yes', 'also'])
  await until(() => source.partitions()[0]?.lag === 0, 'no lag is left')
})

it('T12: goes on with the oldest record when retention has deleted those at its position', async () => {
  const topic = await bench.topic()
  const group = uniqueName('g')
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  await bench.publish(topic, numbered(0, 10))
  const first = await bench.connect(gateway, group)
  await gateway.waitFor(10, 15_000)
  await first.connector.stop()
  await bench.publish(topic, numbered(10, 30))
  await bench.deleteRecords(topic, 25)
  await bench.connect(gateway, group)
  await gateway.waitFor(15, 15_000)
  expect(bodies(gateway.requests.slice(10))).toEqual(['25', '26', '27', '28', '29'])
})

it('T12: stands still when told so, and other topics go on', async () => {
  const [topic, other] = [await bench.topic(), await bench.topic()]
  const group = uniqueName('g')
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${topic},${other}` } } } })
  await bench.publish(topic, numbered(0, 10))
  const first = await bench.connect(gateway, group)
  await gateway.waitFor(10, 15_000)
  await first.connector.stop()
  await bench.publish(topic, numbered(10, 30))
  await bench.deleteRecords(topic, 25)
  await bench.publish(other, [{ value: 'other' }])
  const { source } = await bench.connect(gateway, group, { outOfRange: 'fail' })
  await gateway.waitFor(11, 15_000)
  await until(() => source.partitions().some((partition) => partition.held('stopped')), 'the partition is stopped')
  expect(bodies(gateway.requests.slice(10))).toEqual(['other'])
  expect((await bench.committed(group, topic))[0]?.offset).toBe(10)
})

it('is told by kafkajs where each batch was asked for: what kafkajs leaves out of its types is there', async () => {
  const topic = await bench.topic()
  await bench.publish(topic, numbered(0, 30))
  const asked: number[] = []
  let read = 0
  const driver = kafkajsDriver(
    { brokers: bench.bootstrap, clientId: 'test', material: () => Promise.resolve({}), retries: 2 },
    { maxWaitMs: 50 },
    silentLogger,
  )
  const opened: { member?: DriverConsumer } = {}
  const member = await driver.consume({
    groupId: uniqueName('g'),
    topics: [topic],
    onBatch: (batch) => {
      asked.push(batch.from)
      // The first one is refused, and asked for again from the place it is sent to.
      // It may come before there is a member to command.
      if (opened.member === undefined) asked.pop()
      else if (asked.length === 1) opened.member.seek(batch, 10)
      else read = batch.through
      return read > 0
    },
    onSkipped: () => {},
    beforeJoin: () => Promise.resolve(),
    onAssigned: () => {},
    onOutOfRange: () => {},
    onAlive: () => {},
    onLost: () => {},
  })
  opened.member = member
  try {
    await until(() => read === 30, 'all of it is read')
    await bench.publish(topic, numbered(30, 31))
    await until(() => read === 31, 'what came is read')
    expect([asked[0], asked[1], asked.at(-1)]).toEqual([0, 10, 30])
  } finally {
    await member.stop()
    await driver.close()
  }
})
