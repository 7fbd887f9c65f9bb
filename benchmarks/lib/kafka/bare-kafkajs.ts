import { Pool } from 'undici'
import { createClient, uniqueName } from '../../../test/servers/kafka.ts'
import { Stopwatch, type Took } from '../stopwatch.ts'

/** What a bare kafkajs consumer reads. */
export interface BareConsumer {
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly count: number
}

/** kafkajs `eachBatch` that does nothing with the records: how fast they can be had. */
export const bareEachBatch = async ({ bootstrap, topic, count }: BareConsumer): Promise<Took> => {
  const watch = new Stopwatch(count)
  const consumer = createClient({ brokers: [...bootstrap] }).consumer({ groupId: uniqueName('bare') })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      watch.start()
      watch.end(batch.messages.length)
    },
  })
  const took = await watch.took
  await consumer.disconnect()
  return took
}

/** kafkajs `eachMessage` that posts each value and waits for the answer: the usual way, one record of a partition at a time. */
export const eachMessagePosting = async ({ bootstrap, topic, count }: BareConsumer, url: string, path: string): Promise<Took> => {
  const watch = new Stopwatch(count)
  const pool = new Pool(url, { connections: 1 })
  const consumer = createClient({ brokers: [...bootstrap] }).consumer({ groupId: uniqueName('bare') })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let left = count
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (left === 0) return
      left -= 1
      watch.start()
      const { body } = await pool.request({ method: 'POST', path, body: message.value, headers: { 'content-type': 'application/json' } })
      await body.dump()
      watch.end()
    },
  })
  const took = await watch.took
  await consumer.disconnect()
  await pool.close()
  return took
}
