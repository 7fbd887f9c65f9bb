/**
 * A consumer as one writes it in ten minutes, for the test of the ledger on a real broker: one record at a time, commits before the call
 * (`early`) or after it. Options as JSON in the first argument.
 */
import { createClient } from '../servers/kafka.ts'

interface NaiveOptions {
  readonly brokers: string[]
  readonly topic: string
  readonly groupId: string
  readonly functionUrl: string
  readonly early: boolean
}

const { brokers, topic, groupId, functionUrl, early } = JSON.parse(process.argv[2] ?? '{}') as NaiveOptions
const consumer = createClient({ brokers }).consumer({ groupId, sessionTimeout: 3000, heartbeatInterval: 500, maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ partition, message }) => {
    const commit = (): Promise<void> => consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
    if (early) await commit()
    const response = await fetch(functionUrl, { method: 'POST', body: message.value?.toString() ?? '' })
    await response.arrayBuffer()
    if (!early) await commit()
  },
})
