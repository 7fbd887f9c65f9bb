import { bareLoop, sameHeaders } from '../lib/bare-loop.ts'
import type { Benchmark } from '../lib/benchmark.ts'
import { runConnector } from '../lib/run-connector.ts'
import { startServer } from '../lib/start-server.ts'

const concurrency = 64
const body = Buffer.alloc(1024, 'x')

export const noopHttp: Benchmark = {
  name: 'noop-http',
  about: `a function that does nothing, 1 KiB bodies, ${concurrency} at once, against a bare undici loop to the same server`,
  goal: { atLeast: 0.9 },
  async run(quick) {
    await using server = await startServer({ noop: { topic: 't' } })
    const count = quick ? 10_000 : 60_000
    const bare = { url: server.url, path: '/function/noop.openfaas-fn', body, headers: sameHeaders('t', 'e-12345'), concurrency }
    await bareLoop({ ...bare, count: count / 5 })
    await runConnector(server.url, body, concurrency, count / 5)
    const [ours, baseline]: [number[], number[]] = [[], []]
    // Turn about, so that a machine that slows down slows both.
    for (let round = 0; round < 3; round += 1) {
      ours.push(await runConnector(server.url, body, concurrency, count))
      baseline.push(count / (await bareLoop({ ...bare, count })))
    }
    const median = (rates: readonly number[]): number => rates.toSorted((a, b) => a - b)[1] ?? 0
    return { ours: median(ours), baseline: median(baseline), unit: 'events/s' }
  },
}
