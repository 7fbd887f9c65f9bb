import { createConnector, memoryDeadLetters, silentLogger } from '@millrace/sdk'
import { fakeGateway, leakGuard } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import { MemoryCluster } from '../../src/driver/memory-driver.ts'
import { kafkaAttributeNames } from '../../src/mapping/names.ts'
import { kafkaSource } from '../../src/source.ts'
import { FakeLetterDriver } from './fake-letter-driver.ts'

leakGuard()

/** A topic with one record that its function refuses; resolves with the letter topics that were made, once the record is acknowledged. */
const refused = async (own: boolean): Promise<{ topics: readonly string[]; letters: ReturnType<typeof memoryDeadLetters> }> => {
  const cluster = new MemoryCluster()
  cluster.createTopic('t', 1)
  const letterDriver = new FakeLetterDriver()
  letterDriver.add('t', 1)
  await using gateway = await fakeGateway({ functions: { f: { annotations: { topic: 't' }, handler: () => ({ status: 422 }) } } })
  const letters = memoryDeadLetters()
  const connection = { brokers: ['memory:0'], clientId: 'test', material: () => Promise.resolve({}) }
  await using connector = createConnector({
    gateway: { url: gateway.url },
    source: kafkaSource({
      connection,
      topics: ['t'],
      driver: () => cluster.driver(),
      deadLetters: kafkaDeadLetters({ connection, logger: silentLogger, driver: letterDriver }),
    }),
    ...(!own && { deadLetters: letters }),
  })
  const acknowledged = new Promise<void>((resolve) => connector.on('event:acknowledged', () => resolve()))
  await connector.start()
  cluster.publish({ topic: 't', partition: 0 }, { value: 'x' })
  await acknowledged
  return { topics: [...letterDriver.log.keys()], letters }
}

test('dead-letter topics are prepared only where letters go there', async () => {
  expect((await refused(true)).topics).toContain('t.dlq')
  const { topics, letters } = await refused(false)
  expect(topics).not.toContain('t.dlq')
  expect(letters.letters).toMatchObject([{ reason: 'rejected', naming: { prefix: 'X-Kafka-', reserved: kafkaAttributeNames } }])
})
