import { afterEach, beforeEach, expect, it } from 'vitest'
import { Bench, bodies, numbered, uniqueName, until, withAdmin } from './kit.ts'

let bench: Bench
// The first one may have to start the server that the run shares.
beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)
afterEach(() => bench.close())

const twice = (values: readonly string[]): string[] => values.filter((value, index) => values.indexOf(value) !== index)

it('shares partitions with members that come and go, and runs nothing twice for functions shorter than the drain', async () => {
  const topic = await bench.topic(6)
  const group = uniqueName('g')
  const gateway = await bench.gateway({
    functions: {
      echo: {
        annotations: { topic, 'com.openfaas.connector.order': 'key' },
        handler: async () => {
          await new Promise((resolve) => setTimeout(resolve, 30))
          return { status: 200 }
        },
      },
    },
  })
  await bench.publish(topic, numbered(0, 4000, 300))
  const first = await bench.connect(gateway, group)
  await gateway.waitFor(300, 15_000)
  const second = await bench.connect(gateway, group)
  await until(() => second.source.partitions().length === 3, 'the second has its half')
  await until(() => first.source.partitions().length === 3, 'the first has the other half')
  await until(() => second.connector.stats().acked > 100, 'the second works')
  await first.connector.stop()
  await until(() => second.source.partitions().length === 6, 'the second has all')
  await until(() => new Set(bodies(gateway.requests)).size === 4000, 'every record is run', 30_000)
  await second.connector.stop()
  expect(twice(bodies(gateway.requests))).toEqual([])
  expect((await bench.committed(group, topic)).reduce((sum, { offset }) => sum + offset, 0)).toBe(4000)
}, 120_000)

it('follows the topics that functions name, without repeating anything of those it had', async () => {
  const [one, two] = [await bench.topic(2), await bench.topic(2)]
  const group = uniqueName('g')
  const gateway = await bench.gateway({
    functions: {
      first: {
        annotations: { topic: one },
        handler: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          return { status: 200 }
        },
      },
    },
  })
  await bench.publish(one, numbered(0, 400, 40))
  await bench.publish(two, numbered(1000, 1020, 5))
  const { connector, source } = await bench.connect(gateway, group)
  await gateway.waitFor(50, 15_000)
  expect(source.partitions().map(({ topic }) => topic)).toEqual([one, one])
  gateway.setFunction('second', { annotations: { topic: two } })
  await until(() => connector.stats().acked === 420, 'both topics are consumed', 30_000)
  expect(twice(bodies(gateway.requests))).toEqual([])
  gateway.removeFunction('second')
  await until(
    () => source.partitions().every(({ topic }) => topic === one) && source.partitions().length === 2,
    'the topic that nobody wants goes',
    30_000,
  )
}, 60_000)

it('leaves out a topic that does not exist, and takes it once it does', async () => {
  const topic = await bench.topic()
  const later = uniqueName('later')
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${topic},${later}` } } } })
  await bench.publish(topic, [{ value: 'here' }])
  await bench.connect(gateway, uniqueName('g'))
  await gateway.waitFor(1, 15_000)
  await bench.topic(1, later)
  await bench.publish(later, [{ value: 'there' }])
  await gateway.waitFor(2, 20_000)
  expect(bodies(gateway.requests)).toEqual(['here', 'there'])
}, 60_000)

it('takes patterns over what exists, but neither dead letters nor what is excluded', async () => {
  const stem = uniqueName('p').replaceAll('-', '')
  for (const name of ['a', 'b', 'a.dlq', 'x']) await bench.topic(1, `${stem}.${name}`)
  for (const name of ['a', 'b', 'a.dlq', 'x']) await bench.publish(`${stem}.${name}`, [{ value: name }])
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${stem}.#` } } } })
  const { source } = await bench.connect(gateway, uniqueName('g'), { exclude: [`${stem}.x`] })
  await gateway.waitFor(2, 15_000)
  expect(
    source
      .partitions()
      .map(({ topic }) => topic)
      .toSorted(),
  ).toEqual([`${stem}.a`, `${stem}.b`])
  expect(bodies(gateway.requests).toSorted()).toEqual(['a', 'b'])
})

it('gives each topic a group of its own where the template says so', async () => {
  const [one, two] = [await bench.topic(), await bench.topic()]
  const stem = uniqueName('own')
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${one},${two}` } } } })
  await bench.publish(one, [{ value: '1' }])
  await bench.publish(two, [{ value: '2' }])
  const { connector } = await bench.connect(gateway, `${stem}_{topic}`)
  await gateway.waitFor(2, 15_000)
  await connector.stop()
  expect((await bench.committed(`${stem}_${one}`, one))[0]?.offset).toBe(1)
  expect((await bench.committed(`${stem}_${two}`, two))[0]?.offset).toBe(1)
})

it('T12: begins new partitions at their beginning, also where the first start was at the end', async () => {
  const topic = await bench.topic()
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic } } } })
  const group = uniqueName('g')
  const { source } = await bench.connect(gateway, group, { initialOffset: 'newest' })
  await until(async () => (await bench.committed(group, topic))[0]?.offset === 0, 'it has begun')
  await withAdmin({ brokers: [...bench.bootstrap] }, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
  await bench.publish(topic, [{ value: 'early', partition: 1 }])
  await gateway.waitFor(1, 20_000)
  expect(source.partitions().length).toBe(2)
}, 40_000)

it('T12: survives a topic that is deleted, and takes it up again when it is made anew', async () => {
  const [topic, other] = [await bench.topic(), await bench.topic()]
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${topic},${other}` } } } })
  await bench.publish(topic, numbered(0, 5))
  const { source } = await bench.connect(gateway, uniqueName('g'))
  await gateway.waitFor(5, 15_000)
  await withAdmin({ brokers: [...bench.bootstrap] }, (admin) => admin.deleteTopics({ topics: [topic] }))
  await until(() => source.partitions().length === 1, 'only the other is left', 30_000)
  await bench.publish(other, [{ value: 'other' }])
  await gateway.waitFor(6, 20_000)
  await bench.topic(1, topic)
  await bench.publish(topic, [{ value: 'anew' }])
  await gateway.waitFor(7, 30_000)
  expect(bodies(gateway.requests).slice(5)).toEqual(['other', 'anew'])
}, 90_000)
