import { uniqueName } from '../../../test/servers/kafka.ts'
import { bareLoop } from '../bare-loop.ts'
import { median } from '../median.ts'
import { startServer } from '../start-server.ts'
import { bareEachBatch } from './bare-kafkajs.ts'
import { startBenchBroker } from './bench-broker.ts'
import { kafkaHeaders } from './kafka-headers.ts'
import { startParallelConsumer } from './parallel-consumer.ts'
import { runKafkaConnector } from './run-kafka-connector.ts'

/** Records of 1 KiB in four partitions, posted to one function in the order of their keys. */
export interface PostingWork {
  /** Requests in flight. */
  readonly concurrency: number
  readonly keys: number
  /** What the function takes. @default 0 */
  readonly workMs?: number
}

/** Medians: records per second, and CPU of the process per record. */
export interface PostingRates {
  readonly ours: number
  readonly kafkajs: number
  readonly undici: number
  readonly parallelConsumer: number
  readonly cpuMicros: number
  readonly parallelConsumerCpuMicros: number
}

const name = 'bench'
const path = `/function/${name}.openfaas-fn`

/** Ours, bare kafkajs, a bare undici loop and Parallel Consumer over the same topic and the same function. */
export const postingRates = async ({ concurrency, keys, workMs = 0 }: PostingWork, quick: boolean): Promise<PostingRates> => {
  await using broker = await startBenchBroker()
  await using peer = await startParallelConsumer()
  const { bootstrap } = broker
  const count = quick ? 20_000 : 100_000
  const topic = await broker.fill({ count, partitions: 4, keys })
  await using server = await startServer({ [name]: { topic } }, workMs)
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
  return {
    ours: median(ours),
    kafkajs: median(kafkajs),
    undici: median(undici),
    parallelConsumer: median(parallel),
    cpuMicros: median(cpu),
    parallelConsumerCpuMicros: median(peerCpu),
  }
}

/** A note on what a record costs. */
export const cpuNote = ({ cpuMicros, parallelConsumerCpuMicros }: PostingRates): string =>
  `CPU per record: ours ${cpuMicros.toFixed(0)} us, Parallel Consumer ${parallelConsumerCpuMicros.toFixed(0)} us`
