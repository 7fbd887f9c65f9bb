import { publishConfirmed, rabbitmq, uniqueName, withChannel, type RabbitmqServer } from '../../../test/servers/rabbitmq.ts'

export type QueueType = 'classic' | 'quorum'

/** What a queue is filled with: persistent messages of one body, each with an id of its own. */
export interface QueueContent {
  readonly count: number
  readonly type: QueueType
  /** Size of each body. @default 1024 */
  readonly bytes?: number
}

/** A real broker of the benchmark's own. */
export interface BenchBroker extends AsyncDisposable {
  readonly server: RabbitmqServer
  /** Makes a queue with these messages in it, all confirmed, and gives its name. */
  fill(content: QueueContent): Promise<string>
}

/** Confirms that are out at once while a queue is filled. */
const perRound = 1000

/** @throws TestBedError when RabbitMQ is missing, and says how to get it */
export const startBenchRabbitmq = async (): Promise<BenchBroker> => {
  const server = await rabbitmq.single()
  return {
    server,
    fill: async ({ count, type, bytes = 1024 }) => {
      const queue = uniqueName('bench')
      await server.declareQueue(queue, { type })
      const body = Buffer.alloc(bytes, 'x')
      await withChannel(server.url(), async (channel) => {
        for (let from = 0; from < count; from += perRound) {
          const size = Math.min(perRound, count - from)
          const publish = (n: number): Promise<void> =>
            publishConfirmed(channel, { exchange: '', routingKey: queue }, body, {
              messageId: `m-${from + n}`,
              contentType: 'application/json',
            })
          await Promise.all(Array.from({ length: size }, (_, n) => publish(n)))
        }
      })
      return queue
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
