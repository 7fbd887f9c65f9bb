import { Secret } from '@millrace/sdk'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { kafka } from '../../../../test/servers/kafka.ts'
import { Bench, bodies, numbered, uniqueName, until, withAdmin } from './kit.ts'

let bench: Bench
// The first one may have to start the server that the run shares.
beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)
afterEach(() => bench.close())

it('leaves a topic alone that it may no longer read, goes on with the others, and takes it up again', async () => {
  const { secure } = await kafka.shared()
  const [one, two] = [await bench.topic(), await bench.topic()]
  const group = uniqueName('g')
  const allow = (type: number, name: string) => ({
    resourceType: type,
    resourceName: name,
    resourcePatternType: 3,
    principal: 'User:alice',
    host: '*',
    operation: 3,
    permissionType: 3,
  })
  const [topicType, groupType, describeTopic] = [2, 3, 8]
  const readTwo = allow(topicType, two)
  await withAdmin({ brokers: [...bench.bootstrap] }, (admin) =>
    admin.createAcls({ acl: [allow(topicType, one), readTwo, { ...readTwo, operation: describeTopic }, allow(groupType, group)] }),
  )
  const { username, password } = secure.credentials.alice
  const gateway = await bench.gateway({ functions: { echo: { annotations: { topic: `${one},${two}` } } } })
  await bench.publish(one, [{ value: 'one' }])
  await bench.publish(two, [{ value: 'two' }])
  const { source } = await bench.connect(gateway, group, {
    connection: {
      brokers: secure.saslPlaintext,
      retries: 1,
      material: async () => ({ sasl: { mechanism: 'plain', username, password: new Secret(password) } }),
    },
  })
  await gateway.waitFor(2, 20_000)
  await until(async () => (await bench.committed(group, two))[0]?.offset === 1, 'the second is committed: else it comes again')
  await withAdmin({ brokers: [...bench.bootstrap] }, (admin) => admin.deleteAcls({ filters: [readTwo] }))
  await until(
    () =>
      source
        .partitions()
        .map(({ topic }) => topic)
        .join() === one,
    'only the first is left',
    40_000,
  )
  await bench.publish(one, [{ value: 'one more' }])
  await bench.publish(two, [{ value: 'later' }])
  await gateway.waitFor(3, 20_000)
  await withAdmin({ brokers: [...bench.bootstrap] }, (admin) => admin.createAcls({ acl: [readTwo] }))
  await gateway.waitFor(4, 40_000)
  expect(bodies(gateway.requests).slice(2)).toEqual(['one more', 'later'])
}, 120_000)

it('T12: finds its place again when retention overtakes it while its partition is full', async () => {
  const topic = await bench.topic()
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  const gateway = await bench.gateway({
    functions: {
      echo: {
        annotations: { topic },
        handler: async () => {
          await gate
          return { status: 200 }
        },
      },
    },
  })
  await bench.publish(topic, numbered(0, 20))
  const { source } = await bench.connect(
    gateway,
    uniqueName('g'),
    { times: { drainMs: 3000 } },
    { limits: { maxInFlight: 256, maxEvents: 20_000, maxBytes: 64 * 1024 * 1024, window: 10, maxEventBytes: 1024 * 1024 } },
  )
  await gateway.waitFor(1, 20_000)
  await until(() => source.partitions()[0]?.held('full') === true, 'the partition is full')
  // One batch waits in memory; the next position is 20.
  await bench.publish(topic, numbered(20, 100))
  await bench.deleteRecords(topic, 60)
  open()
  await until(() => new Set(bodies(gateway.requests)).has('99'), 'the end is reached', 30_000)
  const values = new Set(bodies(gateway.requests).map(Number))
  for (let value = 60; value < 100; value += 1) expect(values.has(value)).toBe(true)
}, 60_000)
