import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { backlogMemory, containerFlags } from '../lib/backlog-memory.ts'
import type { Comparisons } from '../lib/benchmark.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { startServer } from '../lib/start-server.ts'

const workMs = 10
const concurrency = 64

export const kafkaBacklogRss: Comparisons = {
  name: 'kafka-backlog-rss',
  about: `a backlog of a million Kafka records of 1 KiB behind a function that takes ${workMs} ms, ${concurrency} at once`,
  lines: [
    { name: 'kafka-backlog-rss', about: 'a backlog of Kafka records: highest resident memory against 256 MiB', goal: { atMost: 1 } },
    { name: 'kafka-backlog-rate', about: 'the same: rate of the last minute against that of the first', goal: { atLeast: 0.9 } },
  ],
  async run(quick) {
    await using broker = await startBenchBroker()
    const count = quick ? 80_000 : 1_000_000
    const topic = await broker.fill({ count, partitions: 4 })
    await using server = await startServer({ slow: { topic } }, workMs)
    const main = fileURLToPath(new URL('../lib/kafka/backlog-main.ts', import.meta.url))
    const args = [server.url, broker.bootstrap.join(','), topic, String(count), String(concurrency)]
    return await backlogMemory(fork(main, args, { execArgv: [...containerFlags] }), { count, things: 'records', quick })
  },
}
