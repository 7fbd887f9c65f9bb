import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'

/** A record of a topic, as far as tests look. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string | undefined
  readonly value: string | undefined
}

/** Reads a topic from its beginning until so many records have come, with a group of its own. Rejects after `timeoutMs`. @default 60000 */
export const readTopic = async (client: Kafka, topic: string, count: number, timeoutMs = 60_000): Promise<readonly ReadRecord[]> => {
  const consumer = client.consumer({ groupId: `read-${randomUUID()}`, maxWaitTimeInMs: 200 })
  const records: ReadRecord[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`${records.length} of ${count} records of ${topic} after ${timeoutMs} ms`)), timeoutMs)
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        records.push({ partition, offset: Number(message.offset), key: message.key?.toString(), value: message.value?.toString() })
        if (records.length >= count) resolve()
      },
    })
    await promise
    return records
  } finally {
    clearTimeout(timer)
    await consumer.disconnect()
  }
}
