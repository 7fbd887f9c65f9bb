import { bareLoop, sameHeaders } from '../lib/bare-loop.ts'
import type { Benchmark } from '../lib/benchmark.ts'
import { runConnector } from '../lib/run-connector.ts'
import { startServer } from '../lib/start-server.ts'

const concurrency = 1_000
const workMs = 50
const body = Buffer.alloc(1024, 'x')

export const slow50ms: Benchmark = {
  name: 'slow-50ms',
  about: `a function that takes ${workMs} ms, ${concurrency} at once, against min(20,000/s, a bare undici loop to the same server)`,
  goal: { atLeast: 0.9 },
  async run(quick) {
    await using server = await startServer({ slow: { topic: 't' } }, workMs)
    const count = quick ? 20_000 : 100_000
    const bare = { url: server.url, path: '/function/slow.openfaas-fn', body, headers: sameHeaders('t', 'e-12345'), concurrency }
    await bareLoop({ ...bare, count: 5_000 })
    const seconds = await bareLoop({ ...bare, count })
    const rate = await runConnector(server.url, body, concurrency, count)
    const again = await bareLoop({ ...bare, count })
    const baseline = Math.min(concurrency / (workMs / 1000), (2 * count) / (seconds + again))
    return { ours: rate, baseline, unit: 'events/s' }
  },
}
