import { randomBytes as noise } from 'node:crypto'
import { silentLogger } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import { beforeAll, describe, expect, it } from 'vitest'
import { createClient, kafka, uniqueName, withAdmin } from '../../../../test/servers/kafka.ts'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import { readKafkaLetters } from '../../src/dead-letters/read-kafka-letters.ts'
import { recordToEvent } from '../../src/mapping/record-to-event.ts'
import { fields, record } from '../mapping/records.ts'

const connectionTo = (brokers: readonly string[]) => ({ brokers, clientId: 'millrace-test', material: () => Promise.resolve({}) })

let cluster = ''
beforeAll(async () => {
  cluster = (await kafka.shared()).clusterId
}, 120_000)

const letterOf = (topic: string, offset: number, partition = 0, value: Uint8Array | undefined = Buffer.from(`v${offset}`)): DeadLetter => ({
  event: recordToEvent(record({ topic, partition, offset, value, headers: fields(['a', Buffer.from([0xff])], ['__proto__', 'x']) }), {
    cluster,
  }).event,
  intake: `${topic}/${partition}`,
  function: 'ship',
  reason: 'exhausted',
  detail: 'it failed',
  attempts: 10,
  history: [{ at: 5, durationMs: 0, status: 500, error: 'no' }],
  lastAttemptAt: 5,
  diedAt: 6,
  hops: 0,
})

const readAll = async (brokers: readonly string[], topic: string): Promise<readonly DeadLetter[]> => {
  const letters: DeadLetter[] = []
  for await (const letter of readKafkaLetters({ connection: { brokers }, topic })) letters.push(letter)
  return letters
}

describe('dead letters in a real topic', () => {
  it('lie in a topic made like the origin, and are read again as they were', async () => {
    const { bootstrap, createTopic } = await kafka.shared()
    const topic = uniqueName('letters')
    await createTopic(topic, { partitions: 3 })
    const sink = kafkaDeadLetters({ connection: connectionTo(bootstrap), logger: silentLogger })
    await sink.prepare([{ topic }])
    const letters = Array.from({ length: 60 }, (_, n) => letterOf(topic, n, n % 3, n === 7 ? undefined : Buffer.from(`v${n}`)))
    await Promise.all(letters.map((letter) => sink.write(letter)))
    await sink.close()
    const read = await readAll(bootstrap, `${topic}.dlq`)
    const byId = new Map(read.map((letter) => [letter.event.id, letter]))
    expect(byId.size).toBe(60)
    for (const letter of letters) {
      const own = letter.event.headers
      expect(byId.get(letter.event.id)).toMatchObject({
        ...letter,
        event: { ...letter.event, headers: expect.arrayContaining([...own]) as unknown },
      })
    }
    const config = await withAdmin({ brokers: [...bootstrap] }, (admin) => admin.fetchTopicMetadata({ topics: [`${topic}.dlq`] }))
    expect(config.topics[0]?.partitions).toHaveLength(3)
  })

  it('are compressed when they are too large, then without their error text, then held with a coded error', async () => {
    const { bootstrap, createTopic } = await kafka.shared()
    const topic = uniqueName('large')
    await createTopic(topic)
    await createTopic(`${topic}.dlq`, { config: { 'max.message.bytes': '3000' } })
    const sink = kafkaDeadLetters({ connection: connectionTo(bootstrap), logger: silentLogger })
    const long = {
      ...letterOf(topic, 1),
      detail: noise(768).toString('base64'),
      history: [{ at: 5, durationMs: 0, error: noise(768).toString('base64') }],
    }
    await sink.write({ ...long, event: letterOf(topic, 0, 0, Buffer.alloc(100_000)).event })
    await sink.write({ ...long, event: letterOf(topic, 1, 0, noise(2200)).event })
    await expect(sink.write(letterOf(topic, 2, 0, noise(5000)))).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOO_LARGE' })
    // And goes on with the next.
    await sink.write(letterOf(topic, 3))
    await sink.close()
    expect((await readAll(bootstrap, `${topic}.dlq`)).map(({ detail }) => detail)).toEqual([long.detail, '', 'it failed'])
  })

  it('are missed before anything is taken in, when their topic may not be made', async () => {
    const { bootstrap, createTopic } = await kafka.shared()
    const topic = uniqueName('forbidden')
    await createTopic(topic)
    const sink = kafkaDeadLetters({ connection: connectionTo(bootstrap), logger: silentLogger, create: false })
    await expect(sink.prepare([{ topic }])).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOPIC_MISSING' })
    await sink.close()
  })

  it('a topic of other records is read without them', async () => {
    const { bootstrap, createTopic } = await kafka.shared()
    const topic = uniqueName('foreign')
    await createTopic(topic)
    const producer = createClient({ brokers: [...bootstrap] }).producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'x', headers: { 'millrace-event-id': 'only' } }] })
    await producer.disconnect()
    const foreign: number[] = []
    for await (const _ of readKafkaLetters({ connection: { brokers: bootstrap }, topic, onForeign: ({ offset }) => foreign.push(offset) }))
      foreign.push(-1)
    expect(foreign).toEqual([0])
  })
})
