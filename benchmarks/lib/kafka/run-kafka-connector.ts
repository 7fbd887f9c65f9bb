import { createConnector, type Order } from '@millrace/sdk'
import { kafkaSource } from '@millrace/kafka-connector'
import { uniqueName } from '../../../test/servers/kafka.ts'
import { Stopwatch, type Took } from '../stopwatch.ts'

/** One run of the Kafka connector over a topic that is full. */
export interface KafkaRun {
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly count: number
  readonly gatewayUrl: string
  /** Requests in flight. */
  readonly concurrency: number
  readonly order: Order
}

/** The connector as a program would make it, until the last of `count` records is acknowledged. */
export const runKafkaConnector = async (run: KafkaRun): Promise<Took> => {
  const { bootstrap, topic, count, gatewayUrl, concurrency, order } = run
  const watch = new Stopwatch(count)
  const connector = createConnector({
    gateway: { url: gatewayUrl },
    source: kafkaSource({ connection: { brokers: bootstrap }, topics: [topic], group: uniqueName('ours') }),
    policy: { concurrency, order },
    limits: { maxInFlight: concurrency },
    observers: [{ attemptStarted: () => watch.start(), acknowledged: () => watch.end() }],
  })
  await connector.start()
  const took = await watch.took
  await connector.stop()
  return took
}
