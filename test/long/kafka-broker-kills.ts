import { createClient, kafka, readTopic } from '../servers/kafka.ts'
import type { LongPart } from './part.ts'

const recordsPerStep = 200

/** What the broker has acknowledged is in its log after kill -9: the ground on which the ledgers of the connectors stand. */
export const kafkaBrokerKills: LongPart = {
  name: 'kafka-broker-kills',
  about: 'A broker is killed with -9 while records are written; every acknowledged record must be there after its restart.',
  steps: 100,
  open: async () => {
    const server = await kafka.single({
      secure: false,
      properties: { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' },
    })
    const brokers = [...server.bootstrap]
    // Each record is tried once, so that the log holds what was acknowledged and at most one more.
    const writer = createClient({ brokers, retry: { retries: 0 }, requestTimeout: 5000 })
    const reader = createClient({ brokers, retry: { retries: 20 } })
    return {
      step: async ({ index, random }) => {
        const topic = `kills-${index}`
        await server.createTopic(topic)
        const producer = writer.producer()
        await producer.connect()
        const killAt = Math.floor(random() * recordsPerStep)
        const acknowledged: string[] = []
        let killed: Promise<void> | undefined
        for (let number = 0; number < recordsPerStep; number++) {
          if (number === killAt) killed = server.broker.kill9()
          const value = `${index}-${number}`
          await producer.send({ topic, acks: -1, messages: [{ value }] }).then(
            () => acknowledged.push(value),
            () => undefined,
          )
          if (!server.broker.running) break
        }
        await killed
        await producer.disconnect()
        await server.broker.start()
        const found = new Set((await readTopic(reader, topic, acknowledged.length)).map(({ value }) => value))
        const missing = acknowledged.filter((value) => !found.has(value))
        if (missing.length > 0)
          throw new Error(`${missing.length} acknowledged records are not in the log: ${missing.slice(0, 5).join(', ')}`)
        return `killed at ${killAt}, ${acknowledged.length} acknowledged, all there`
      },
      close: () => server.stop(),
    }
  },
}
