import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import type { PublisherOptions } from '../../src/transport/publisher.ts'
import type { Publisher } from '../../src/transport/transport.ts'
import type { TransportBench } from './transport-kit.ts'

/** A classic queue, deleted with the bench. */
export const queueOf = async (bench: TransportBench, args: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const queue = uniqueName('p')
  await bench.broker.declareQueue(queue, { type: 'classic', arguments: args })
  bench.atEnd(() => bench.broker.deleteQueue(queue).catch(() => undefined))
  return queue
}

/** A publisher over a connection of its own, closed with the bench. */
export const openPublisher = (
  bench: TransportBench,
  options: PublisherOptions = {},
  connection: Parameters<TransportBench['connection']>[0] = {},
): Publisher => {
  const publisher = createPublisher(bench.connection(connection, 'publish'), { closeTimeoutMs: 500, ...options })
  bench.atEnd(() => publisher.close())
  return publisher
}
