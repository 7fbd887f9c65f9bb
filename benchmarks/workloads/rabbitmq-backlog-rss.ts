import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { backlogMemory, containerFlags } from '../lib/backlog-memory.ts'
import type { Comparisons } from '../lib/benchmark.ts'
import { startBenchRabbitmq } from '../lib/rabbitmq/bench-broker.ts'
import { startServer } from '../lib/start-server.ts'

const workMs = 10
const concurrency = 64

export const rabbitmqBacklogRss: Comparisons = {
  name: 'rabbitmq-backlog-rss',
  about: `a backlog of a million RabbitMQ messages of 1 KiB behind a function that takes ${workMs} ms, ${concurrency} at once`,
  lines: [
    { name: 'rabbitmq-backlog-rss', about: 'a backlog of RabbitMQ messages: highest resident memory against 256 MiB', goal: { atMost: 1 } },
    { name: 'rabbitmq-backlog-rate', about: 'the same: rate of the last minute against that of the first', goal: { atLeast: 0.9 } },
  ],
  async run(quick) {
    await using broker = await startBenchRabbitmq()
    const { host, port, credentials } = broker.server
    const count = quick ? 80_000 : 1_000_000
    const queue = await broker.fill({ count, type: 'quorum' })
    await using server = await startServer({ slow: { topic: queue } }, workMs)
    const child = fork(fileURLToPath(new URL('../lib/rabbitmq/backlog-main.ts', import.meta.url)), { execArgv: [...containerFlags] })
    child.send({ broker: { host, port, credentials }, gatewayUrl: server.url, concurrency, count })
    return await backlogMemory(child, { count, things: 'messages', quick })
  },
}
