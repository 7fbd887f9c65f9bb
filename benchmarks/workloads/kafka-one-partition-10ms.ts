import type { Benchmark } from '../lib/benchmark.ts'
import { eachMessagePosting } from '../lib/kafka/bare-kafkajs.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { runKafkaConnector } from '../lib/kafka/run-kafka-connector.ts'
import { startServer } from '../lib/start-server.ts'

const workMs = 10
const concurrency = 256

export const kafkaOnePartition10ms: Benchmark = {
  name: 'kafka-one-partition-10ms',
  about: `one partition, 1,000 keys in order, a function that takes ${workMs} ms, ${concurrency} at once, against kafkajs eachMessage`,
  goal: { atLeast: 80 },
  async run(quick) {
    await using broker = await startBenchBroker()
    const { bootstrap } = broker
    const count = quick ? 20_000 : 100_000
    const topic = await broker.fill({ count })
    await using server = await startServer({ slow: { topic } }, workMs)
    const run = { bootstrap, topic, count, gatewayUrl: server.url, concurrency, order: 'key' as const }
    await runKafkaConnector(run)
    const ours = await runKafkaConnector(run)
    const plainCount = quick ? 200 : 1000
    const plain = await eachMessagePosting({ bootstrap, topic, count: plainCount }, server.url, '/function/slow.openfaas-fn')
    const notes = [`CPU per record: ours ${ours.cpuMicros.toFixed(0)} us, eachMessage ${plain.cpuMicros.toFixed(0)} us`]
    return { ours: count / ours.seconds, baseline: plainCount / plain.seconds, unit: 'records/s', notes }
  },
}
