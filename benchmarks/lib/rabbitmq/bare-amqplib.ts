import { Pool } from 'undici'
import { connectTo } from '../../../test/servers/rabbitmq.ts'
import { Stopwatch, type Took } from '../stopwatch.ts'

/** What the bare loop consumes, and what it posts. */
export interface BareConsumer {
  readonly brokerUrl: string
  readonly queue: string
  readonly count: number
  /** Messages in its hands, and so requests in flight. */
  readonly prefetch: number
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** Consumes with amqplib, posts each body with undici and acknowledges it after the answer: the loop that one would write first. */
export const bareConsumer = async ({ brokerUrl, queue, count, prefetch, url, path, headers }: BareConsumer): Promise<Took> => {
  const watch = new Stopwatch(count)
  const pool = new Pool(url, { connections: prefetch, pipelining: 1 })
  const connection = await connectTo(brokerUrl)
  const channel = await connection.createChannel()
  await channel.prefetch(prefetch)
  const failed = Promise.withResolvers<never>()
  const post = async (content: Buffer): Promise<void> => {
    const { body } = await pool.request({ method: 'POST', path, headers, body: content })
    await body.dump()
  }
  await channel.consume(queue, (message) => {
    if (message === null) return failed.reject(new Error(`the broker has ended the consumer of ${queue}`))
    watch.start()
    post(message.content).then(() => {
      channel.ack(message)
      watch.end()
    }, failed.reject)
  })
  try {
    return await Promise.race([watch.took, failed.promise])
  } finally {
    await channel.close()
    await connection.close()
    await pool.close()
  }
}
