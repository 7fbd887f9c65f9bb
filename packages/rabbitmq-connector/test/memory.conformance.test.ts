import type { FunctionDeclaration } from '@millrace/sdk'
import { leakGuard, sourceConformance } from '@millrace/sdk/testing'
import { MemoryBroker } from './memory/broker.ts'
import { memorySource } from './memory/kit.ts'

leakGuard()

const declared = (topics: readonly string[], annotations: Readonly<Record<string, string>> = {}): FunctionDeclaration => ({
  function: 'probe',
  name: 'probe',
  topics,
  annotations: new Map([['topic', topics.join(',')], ...Object.entries(annotations)]),
  revision: '1',
})

let broker: MemoryBroker
let number = 0
const queueOf = (intake: number): string => (intake === 0 ? 'orders' : 'payments')
const acked = (): number => [...broker.queues.values()].reduce((sum, queue) => sum + queue.acked, 0)

for (const version of ['3.10.8', '4.3.0']) {
  sourceConformance({
    name: `rabbitmq over a broker in memory, ${version}`,
    durable: true,
    intakes: 2,
    defer: true,
    deferMs: 1000,
    overshoot: 0,
    functions: [declared(['orders', 'payments'])],
    quietMs: 30,
    setup() {
      broker = new MemoryBroker({ version })
      broker.declare('orders')
      broker.declare('payments')
      // Retry queues of a queue that is somebody else's are ours all the same.
    },
    create: () => memorySource(broker, { topology: { tiersMs: [1000], declareTopics: true } }),
    publish: (events) => {
      for (const { text, intake } of events) broker.publish(queueOf(intake), text, { messageId: `m${++number}` })
    },
    disconnect: () => broker.cut(),
    restart() {
      broker.stop()
      broker.start()
    },
    position: acked,
    complaints: () => broker.complaints,
    teardown: () => broker.close(),
  })
}
