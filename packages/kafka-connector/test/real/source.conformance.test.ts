import { silentLogger } from '@millrace/sdk'
import { sourceConformance } from '@millrace/sdk/testing'
import type { ConsumerOptions, DriverConsumer, KafkaDriver } from '../../src/driver/driver.ts'
import { kafkajsDriver } from '../../src/driver/kafkajs-driver.ts'
import { kafkaSource } from '../../src/source.ts'
import { Bench, uniqueName } from './kit.ts'

let bench: Bench
let topic: string
let group: string
let members: { readonly options: ConsumerOptions; readonly consumer: DriverConsumer }[]

/** kafkajs, with a hand on its members: they can be cut off without a commit. */
const held = (driver: KafkaDriver): KafkaDriver => ({
  ...driver,
  consume: async (options) => {
    const consumer = await driver.consume(options)
    members.push({ options, consumer })
    return consumer
  },
})

/** As after a loss: nothing is committed any more. The group hears of it, which spares the test the session timeout. */
const cutOff = async (): Promise<void> => {
  for (const { options, consumer } of members.splice(0)) {
    await consumer.stop()
    options.onLost(new Error('cut off by the test'))
  }
}

sourceConformance({
  name: 'kafka over a real broker',
  durable: true,
  intakes: 2,
  timeoutMs: 20_000,
  quietMs: 150,
  burst: 400,
  async setup() {
    bench = await Bench.open()
    topic = await bench.topic(2)
    group = uniqueName('g')
    members = []
  },
  create: () =>
    kafkaSource({
      connection: { brokers: bench.bootstrap },
      topics: [topic],
      group,
      times: { commitIntervalMs: 20, drainMs: 3000 },
      driver: () =>
        held(
          kafkajsDriver(
            { brokers: bench.bootstrap, clientId: 'conformance', material: async () => ({}) },
            { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 15_000, heartbeatIntervalMs: 100, maxWaitMs: 20 },
            silentLogger,
          ),
        ),
    }),
  publish: (events) =>
    bench.publish(
      topic,
      events.map(({ text, intake }) => ({ value: text, partition: intake })),
    ),
  disconnect: cutOff,
  kill: cutOff,
  async revoke() {
    const other = bench.client.consumer({ groupId: group, sessionTimeout: 10_000, heartbeatInterval: 100, maxWaitTimeInMs: 20 })
    await other.connect()
    await other.subscribe({ topics: [topic] })
    const joined = new Promise<void>((resolve) => other.on(other.events.GROUP_JOIN, () => resolve()))
    await other.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} })
    await joined
    await other.disconnect()
  },
  position: async () => (await bench.committed(group, topic)).reduce((sum, { offset }) => sum + Math.max(0, offset), 0),
  teardown: () => bench.close(),
})
