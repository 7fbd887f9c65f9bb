import { uniqueName } from '../../test/servers/kafka.ts'
import { bareLoop } from '../lib/bare-loop.ts'
import type { Comparisons } from '../lib/benchmark.ts'
import { bareEachBatch } from '../lib/kafka/bare-kafkajs.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { startParallelConsumer } from '../lib/kafka/parallel-consumer.ts'
import { runKafkaConnector } from '../lib/kafka/run-kafka-connector.ts'
import { kafkaHeaders } from '../lib/kafka/kafka-headers.ts'
import { median } from '../lib/median.ts'
import { startServer } from '../lib/start-server.ts'

const concurrency = 100

export const kafkaNoop: Comparisons = {
  name: 'kafka-noop',
  about: `Kafka records of 1 KiB to a function that does nothing, order by key (1,000 keys), ${concurrency} at once`,
  lines: [
    { name: 'kafka-noop', about: 'a function that does nothing, against min(bare kafkajs, bare undici loop)', goal: { atLeast: 0.7 } },
    {
      name: 'kafka-noop-parallel-consumer',
      about: "a function that does nothing, against Parallel Consumer with Java's HttpClient",
      goal: { atLeast: 3 },
    },
  ],
  async run(quick) {
    await using broker = await startBenchBroker()
    await using peer = await startParallelConsumer()
    const { bootstrap } = broker
    const count = quick ? 20_000 : 100_000
    const topic = await broker.fill({ count, partitions: 4 })
    await using server = await startServer({ noop: { topic } })
    const path = '/function/noop.openfaas-fn'
    const bare = { url: server.url, path, body: Buffer.alloc(1024, 'x'), headers: kafkaHeaders(topic), concurrency }
    const oursOnce = () => runKafkaConnector({ bootstrap, topic, count, gatewayUrl: server.url, concurrency, order: 'key' })
    const peerOnce = (records: number) =>
      peer.run({ bootstrap, topic, group: uniqueName('pc'), count: records, concurrency, url: `${server.url}${path}` })
    await oursOnce()
    await peerOnce(count / 4)
    const [ours, kafkajs, undici, parallel]: [number[], number[], number[], number[]] = [[], [], [], []]
    const [cpu, peerCpu]: [number[], number[]] = [[], []]
    // Turn about, so that a machine that slows down slows all.
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      const own = await oursOnce()
      ours.push(count / own.seconds)
      cpu.push(own.cpuMicros)
      undici.push(count / (await bareLoop({ ...bare, count })))
      kafkajs.push(count / (await bareEachBatch({ bootstrap, topic, count })).seconds)
      const other = await peerOnce(count)
      parallel.push(count / other.seconds)
      peerCpu.push(other.cpuMicros)
    }
    const baseline = Math.min(median(kafkajs), median(undici))
    const notes = [
      `bare kafkajs ${median(kafkajs).toFixed(0)}/s, bare undici ${median(undici).toFixed(0)}/s`,
      `CPU per record: ours ${median(cpu).toFixed(0)} us, Parallel Consumer ${median(peerCpu).toFixed(0)} us`,
    ]
    return [
      { ours: median(ours), baseline, unit: 'records/s', notes },
      { ours: median(ours), baseline: median(parallel), unit: 'records/s' },
    ]
  },
}
