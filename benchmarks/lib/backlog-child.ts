// A process of its own, so that only the connector's memory is measured: a million events behind a slow function.
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnector } from '@millrace/sdk'
import { CountingSource } from './counting-source.ts'

const [url = '', seconds = '10'] = process.argv.slice(2)
const source = new CountingSource({
  count: 1_000_000,
  intakes: 4,
  position: 'prefix',
  order: 'key',
  event: (n) => ({
    id: `backlog:${n}`,
    source: 'bench',
    type: 'bench',
    topic: 't',
    data: Buffer.alloc(1024, n & 0xff),
    orderingKey: `k${n % 1000}`,
    headers: [],
  }),
})
const connector = createConnector({ gateway: { url }, source, drainMs: 100 })
await connector.start()
const warmUp = Number(seconds) / 4
const samples: { at: number; rss: number; heap: number }[] = []
for (let n = 0; n < Number(seconds); n += 1) {
  await sleep(1_000)
  const { rss, heapUsed } = process.memoryUsage()
  if (n >= warmUp) samples.push({ at: n, rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20 })
}
process.send?.({ samples, waiting: source.emitted - source.acked, acked: source.acked })
await connector.kill()
process.exit(0)
