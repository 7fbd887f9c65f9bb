import { median } from '../median.ts'
import { startServer } from '../start-server.ts'
import { Stopwatch, type Took } from '../stopwatch.ts'
import { bareConsumer } from './bare-amqplib.ts'
import type { BenchBroker, QueueType } from './bench-broker.ts'
import { rabbitmqConnector, type BenchConnectorOptions } from './rabbitmq-connector.ts'
import { rabbitmqHeaders } from './rabbitmq-headers.ts'

/** Messages of 1 KiB in one queue, posted to one function. */
export interface PostingWork {
  readonly type: QueueType
  readonly count: number
  readonly rounds: number
  /** Requests in flight, and what the bare loop has in its hands. */
  readonly concurrency: number
  /** Of ours. @default twice the concurrency */
  readonly prefetch?: number
  /** What the function takes. @default 0 */
  readonly workMs?: number
}

/** Medians: messages per second, and CPU of this process per message. */
export interface PostingRates {
  readonly ours: number
  readonly bare: number
  /** Of ours to the bare loop of the same round. */
  readonly ratio: number
  readonly cpuMicros: number
  readonly bareCpuMicros: number
}

const name = 'bench'
const path = `/function/${name}.openfaas-fn`

/** Until the last of `count` messages is acknowledged. */
const runOurs = async (count: number, options: Omit<BenchConnectorOptions, 'observer'>): Promise<Took> => {
  const watch = new Stopwatch(count)
  const observer = { attemptStarted: () => watch.start(), acknowledged: () => watch.end() }
  const connector = rabbitmqConnector({ ...options, observer })
  await connector.start()
  const took = await watch.took
  await connector.stop()
  return took
}

/** Ours and the bare loop in turn, each over a queue of its own that is full. */
export const postingRates = async (broker: BenchBroker, work: PostingWork): Promise<PostingRates> => {
  const { type, rounds, concurrency, prefetch, workMs = 0 } = work
  const { server } = broker
  const oursOnce = async (count: number): Promise<Took> => {
    const queue = await broker.fill({ count, type })
    await using functions = await startServer({ [name]: { topic: queue } }, workMs)
    const bounds = { concurrency, ...(prefetch !== undefined && { prefetch }) }
    const took = await runOurs(count, { broker: server, gatewayUrl: functions.url, ...bounds })
    await server.deleteQueue(queue)
    return took
  }
  const bareOnce = async (count: number): Promise<Took> => {
    const queue = await broker.fill({ count, type })
    await using functions = await startServer({ [name]: { topic: queue } }, workMs)
    const to = { url: functions.url, path, headers: rabbitmqHeaders(queue) }
    const took = await bareConsumer({ brokerUrl: server.url(), queue, count, prefetch: concurrency, ...to })
    await server.deleteQueue(queue)
    return took
  }
  await oursOnce(work.count / 4)
  await bareOnce(work.count / 4)
  const [ours, bare]: [Took[], Took[]] = [[], []]
  // Turn about, so that a machine that slows down slows both.
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await oursOnce(work.count))
    bare.push(await bareOnce(work.count))
  }
  const rate = (took: readonly Took[]): number => work.count / median(took.map(({ seconds }) => seconds))
  return {
    ours: rate(ours),
    bare: rate(bare),
    ratio: median(ours.map(({ seconds }, round) => (bare[round]?.seconds ?? 0) / seconds)),
    cpuMicros: median(ours.map(({ cpuMicros }) => cpuMicros)),
    bareCpuMicros: median(bare.map(({ cpuMicros }) => cpuMicros)),
  }
}

/** A note on what a message costs this process. */
export const cpuNote = ({ cpuMicros, bareCpuMicros, ratio }: PostingRates): string =>
  `CPU per message: ours ${cpuMicros.toFixed(0)} us, bare loop ${bareCpuMicros.toFixed(0)} us; median ratio of the rounds ${ratio.toFixed(2)}`
