import { leakGuard, sourceConformance } from '@millrace/sdk/testing'
import { MemoryCluster } from '../src/driver/memory-driver.ts'
import { kafkaSource } from '../src/source.ts'

leakGuard()

let cluster: MemoryCluster

sourceConformance({
  name: 'kafka over a cluster in memory',
  durable: true,
  intakes: 2,
  quietMs: 40,
  setup() {
    cluster = new MemoryCluster()
    cluster.createTopic('t', 2)
  },
  create() {
    const owner = cluster
    return kafkaSource({
      connection: { brokers: ['memory:0'] },
      topics: ['t'],
      group: 'g',
      times: { commitIntervalMs: 5, drainMs: 500 },
      driver: () => owner.driver(),
    })
  },
  publish: (events) => {
    for (const { text, intake } of events) cluster.publish({ topic: 't', partition: intake }, { value: text })
  },
  disconnect: () => cluster.crash('g'),
  revoke: () => cluster.rebalance('g'),
  position: () => [0, 1].reduce((sum, partition) => sum + Math.max(0, cluster.committed('g', { topic: 't', partition })?.offset ?? 0), 0),
})
