import { createConnector } from '@millrace/sdk'
import { bareLoop, sameHeaders } from '../lib/bare-loop.ts'
import type { Benchmark } from '../lib/benchmark.ts'
import { CountingSource } from '../lib/counting-source.ts'
import { startServer } from '../lib/start-server.ts'

const concurrency = 64
const body = Buffer.alloc(1024, 'x')

const ours = async (url: string, count: number): Promise<number> => {
  const source = new CountingSource({
    count,
    event: (n) => ({ id: `e-${n}`, source: 'bench', type: 'bench', topic: 't', data: body, contentType: 'application/json', headers: [] }),
  })
  const connector = createConnector({ gateway: { url }, source, policy: { concurrency }, limits: { maxInFlight: concurrency } })
  const start = performance.now()
  await connector.start()
  await source.done
  const seconds = (performance.now() - start) / 1000
  await connector.stop()
  return seconds
}

export const noopHttp: Benchmark = {
  name: 'noop-http',
  about: `a function that does nothing, 1 KiB bodies, ${concurrency} at once, against a bare undici loop to the same server`,
  goal: { atLeast: 0.9 },
  async run(quick) {
    await using server = await startServer({ noop: { topic: 't' } })
    const count = quick ? 10_000 : 60_000
    const bare = { url: server.url, path: '/function/noop.openfaas-fn', body, headers: sameHeaders('t', 'e-12345'), concurrency }
    await bareLoop({ ...bare, count: count / 5 })
    await ours(server.url, count / 5)
    const pairs: [number, number][] = []
    // Turn about, so that a machine that slows down slows both.
    for (let round = 0; round < 3; round += 1) pairs.push([await ours(server.url, count), await bareLoop({ ...bare, count })])
    const total = (index: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[index], 0)
    return { ours: (count * 3) / total(0), baseline: (count * 3) / total(1), unit: 'events/s' }
  },
}
