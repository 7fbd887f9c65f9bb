// A process of its own, so that only the connector's memory is measured: it works off a queue and says each second how far it is.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { rabbitmqConnector, type BenchConnectorOptions } from './rabbitmq-connector.ts'

type Settings = Omit<BenchConnectorOptions, 'observer'> & { readonly count: number }

const [{ count, ...options }] = (await once(process, 'message')) as [Settings]
let acked = 0
const connector = rabbitmqConnector({ ...options, observer: { acknowledged: () => (acked += 1) } })
await connector.start()
const startedAt = performance.now()
const samples: { at: number; rss: number; heap: number; acked: number }[] = []
while (acked < count) {
  await sleep(1_000)
  const { rss, heapUsed } = process.memoryUsage()
  samples.push({ at: (performance.now() - startedAt) / 1000, rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, acked })
}
process.send?.({ samples })
await connector.stop()
process.disconnect?.()
