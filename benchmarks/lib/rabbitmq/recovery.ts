import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectTo } from '../../../test/servers/rabbitmq.ts'

const everyMs = 5

/** Resolves with the monotonic time at which a port accepted a connection for the first time. */
export const portOpened = async (port: number, signal: AbortSignal): Promise<number> => {
  for (;;) {
    signal.throwIfAborted()
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return performance.now()
    } catch {
      await sleep(everyMs, undefined, { signal })
    } finally {
      socket.destroy()
    }
  }
}

/**
 * A client that knows the moment: tries from now on without a pause until it has consumed and acknowledged one message, which is what the
 * broker itself takes to be of use again. Resolves with the monotonic time of its acknowledgement.
 */
export const eagerAck = async (brokerUrl: string, queue: string, signal: AbortSignal): Promise<number> => {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await ackOne(brokerUrl, queue)
    } catch {
      await sleep(everyMs, undefined, { signal })
    }
  }
}

const ackOne = async (brokerUrl: string, queue: string): Promise<number> => {
  const connection = await connectTo(brokerUrl)
  try {
    const channel = await connection.createChannel()
    // What a queue answers that is not up yet ends the channel or the connection.
    const lost = new Promise<never>((_, reject) => {
      channel.on('error', reject)
      connection.on('close', () => reject(new Error('the connection has ended')))
    })
    const got = Promise.withResolvers<number>()
    const consume = async (): Promise<number> => {
      await channel.prefetch(1)
      await channel.consume(queue, (message) => {
        if (message === null) return got.reject(new Error('the consumer has ended'))
        channel.ack(message)
        got.resolve(performance.now())
      })
      const at = await got.promise
      await channel.close()
      return at
    }
    return await Promise.race([consume(), lost])
  } finally {
    await connection.close().catch(() => undefined)
  }
}
