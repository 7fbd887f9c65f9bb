import type { FunctionDeclaration, SourceContext, StateStore } from '@millrace/sdk'
import { sourceConformance } from '@millrace/sdk/testing'
import type { PlannedEvent } from '@millrace/sdk/testing'
import { silentObserver } from '../../src/consumer/observer.ts'
import { Bench, uniqueName } from './kit.ts'
import { publishNested } from './nested-headers.ts'

let bench: Bench
let queues: readonly [string, string]
let published: number
let deferred: number

const declared = (topics: readonly string[], annotations: Readonly<Record<string, string>> = {}): FunctionDeclaration => ({
  function: 'probe',
  name: 'probe',
  topics,
  annotations: new Map([
    ['topic', topics.join(',')],
    ...Object.entries(annotations).map(([name, value]) => [`com.openfaas.connector.${name}`, value] as const),
  ]),
  revision: '1',
})

/** The suite asks for functions once, and queues are new for each case: the names are put in as they are asked for. */
const functions: readonly FunctionDeclaration[] = [
  {
    ...declared([]),
    get topics() {
      return [...queues]
    },
  },
]

const publish = async (events: readonly PlannedEvent[]): Promise<void> => {
  const [first, second] = queues
  for (const [intake, queue] of [first, second].entries()) {
    let texts: string[] = []
    const flush = async (): Promise<void> => {
      if (texts.length > 0) await bench.broker.publish(queue, texts)
      texts = []
    }
    for (const event of events.filter((each) => each.intake === intake)) {
      if (!event.unreadable) texts.push(event.text)
      else {
        await flush()
        await publishNested(bench.broker, queue, event.text)
      }
    }
    await flush()
  }
  published += events.length
}

for (const type of ['quorum', 'classic'] as const) {
  sourceConformance({
    name: `rabbitmq over a real broker, ${type} queues`,
    durable: true,
    intakes: 2,
    unreadable: true,
    defer: true,
    deferMs: 1000,
    functions,
    timeoutMs: 20_000,
    quietMs: 100,
    burst: 200,
    async setup() {
      bench = await Bench.open()
      queues = [uniqueName('q'), uniqueName('q')]
      published = 0
      deferred = 0
      for (const queue of queues) await bench.broker.declareQueue(queue, { type })
    },
    create: () =>
      bench.source({
        topology: { tiersMs: [1000], queueType: type },
        observer: { ...silentObserver, deferred: () => void (deferred += 1) },
      }),
    publish,
    disconnect: async () => void (await bench.disconnect()),
    position: async () => {
      const depths = await Promise.all(queues.map((queue) => bench.broker.depth(queue)))
      return published + deferred - depths.reduce((sum, depth) => sum + (depth?.ready ?? 0) + (depth?.unacked ?? 0), 0)
    },
    teardown: () => bench.close(),
  })
}

let state: StateStore

sourceConformance({
  name: 'rabbitmq over a real broker, a stream',
  durable: true,
  // Nothing unreadable: RabbitMQ 3.10 does not store a message with such headers in a stream.
  get functions() {
    return [
      {
        ...declared([]),
        get annotations() {
          return declared([], { queue: queues[0], 'queue-type': 'stream', 'stream-offset': 'first' }).annotations
        },
      },
    ]
  },
  timeoutMs: 20_000,
  quietMs: 100,
  burst: 200,
  async setup() {
    bench = await Bench.open()
    queues = [uniqueName('s'), '']
    published = 0
    await bench.broker.declareQueue(queues[0], { type: 'stream' })
  },
  create() {
    const source = bench.source()
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
  publish,
  disconnect: async () => void (await bench.disconnect()),
  position: async () => {
    const found = await state.get(`rabbitmq/stream/%2F/${encodeURIComponent(queues[0])}`)
    return found === undefined ? 0 : (JSON.parse(new TextDecoder().decode(found.value)) as { offset: number }).offset
  },
  teardown: () => bench.close(),
})
