// A process of its own, so that only the connector's memory is measured: it works off a topic and says each second how far it is.
import { setTimeout as sleep } from 'node:timers/promises'
import { createConnector } from '@millrace/sdk'
import { kafkaSource } from '@millrace/kafka-connector'

const [url = '', bootstrap = '', topic = '', count = '0', concurrency = '32'] = process.argv.slice(2)
let acked = 0
const connector = createConnector({
  gateway: { url },
  source: kafkaSource({ connection: { brokers: bootstrap.split(',') }, topics: [topic], group: 'backlog' }),
  policy: { concurrency: Number(concurrency), order: 'key' },
  observers: [{ acknowledged: () => (acked += 1) }],
})
await connector.start()
const startedAt = performance.now()
const samples: { at: number; rss: number; heap: number; acked: number }[] = []
while (acked < Number(count)) {
  await sleep(1_000)
  const { rss, heapUsed } = process.memoryUsage()
  samples.push({ at: (performance.now() - startedAt) / 1000, rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, acked })
}
process.send?.({ samples })
await connector.stop()
process.disconnect?.()
