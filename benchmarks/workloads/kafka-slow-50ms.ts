import { uniqueName } from '../../test/servers/kafka.ts'
import { bareLoop } from '../lib/bare-loop.ts'
import type { Comparisons } from '../lib/benchmark.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { kafkaHeaders } from '../lib/kafka/kafka-headers.ts'
import { startParallelConsumer } from '../lib/kafka/parallel-consumer.ts'
import { runKafkaConnector } from '../lib/kafka/run-kafka-connector.ts'
import { median } from '../lib/median.ts'
import { startServer } from '../lib/start-server.ts'

const concurrency = 500
const workMs = 50

export const kafkaSlow50ms: Comparisons = {
  name: 'kafka-slow-50ms',
  about: `Kafka records of 1 KiB to a function that takes ${workMs} ms, order by key (10,000 keys), ${concurrency} at once`,
  lines: [
    { name: 'kafka-slow-50ms', about: `a ${workMs} ms function, against min(10,000/s, a bare undici loop)`, goal: { atLeast: 0.9 } },
    {
      name: 'kafka-slow-50ms-parallel-consumer',
      about: `a ${workMs} ms function, against Parallel Consumer with Java's HttpClient`,
      goal: { atLeast: 1.8 },
    },
  ],
  async run(quick) {
    await using broker = await startBenchBroker()
    await using peer = await startParallelConsumer()
    const { bootstrap } = broker
    const count = quick ? 20_000 : 100_000
    const topic = await broker.fill({ count, partitions: 4, keys: 10_000 })
    await using server = await startServer({ slow: { topic } }, workMs)
    const path = '/function/slow.openfaas-fn'
    const bare = { url: server.url, path, body: Buffer.alloc(1024, 'x'), headers: kafkaHeaders(topic), concurrency }
    const oursOnce = () => runKafkaConnector({ bootstrap, topic, count, gatewayUrl: server.url, concurrency, order: 'key' })
    const peerOnce = (records: number) =>
      peer.run({ bootstrap, topic, group: uniqueName('pc'), count: records, concurrency, url: `${server.url}${path}` })
    await oursOnce()
    await peerOnce(count / 4)
    const [ours, undici, parallel, cpu]: [number[], number[], number[], number[]] = [[], [], [], []]
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      const own = await oursOnce()
      ours.push(count / own.seconds)
      cpu.push(own.cpuMicros)
      undici.push(count / (await bareLoop({ ...bare, count })))
      parallel.push(count / (await peerOnce(count)).seconds)
    }
    const baseline = Math.min(concurrency / (workMs / 1000), median(undici))
    const notes = [`bare undici ${median(undici).toFixed(0)}/s; CPU per record of ours ${median(cpu).toFixed(0)} us`]
    return [
      { ours: median(ours), baseline, unit: 'records/s', notes },
      { ours: median(ours), baseline: median(parallel), unit: 'records/s' },
    ]
  },
}
