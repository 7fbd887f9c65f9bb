import type { FunctionDeclaration, SourceContext, StateStore } from '@millrace/sdk'
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

const checkpoint = async (): Promise<number> => {
  const found = await state.get('rabbitmq/stream/%2F/orders')
  return found === undefined ? 0 : (JSON.parse(new TextDecoder().decode(found.value)) as { offset: number }).offset
}

let state: StateStore

sourceConformance({
  name: 'a RabbitMQ stream over a broker in memory',
  durable: true,
  ordered: true,
  functions: [
    declared([], {
      'com.openfaas.connector.queue': 'orders',
      'com.openfaas.connector.queue-type': 'stream',
      'com.openfaas.connector.stream-offset': 'first',
    }),
  ],
  quietMs: 30,
  setup() {
    broker = new MemoryBroker()
    broker.declare('orders', { arguments: new Map([['x-queue-type', 'stream']]) })
  },
  create() {
    const source = memorySource(broker)
    return {
      ...source,
      // The suite has this one stream alone: what it may expect of a position is a stream's.
      position: 'prefix' as const,
      connect(context: SourceContext) {
        state = context.state
        return source.connect(context)
      },
    }
  },
  publish: (events) => {
    for (const { text } of events) broker.publish('orders', text, { messageId: `m${++number}` })
  },
  disconnect: () => broker.cut(),
  position: checkpoint,
  complaints: () => broker.complaints,
  teardown: () => broker.close(),
})
