import { silentLogger } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kafkaDeadLetters } from '../../src/dead-letters/kafka-dead-letters.ts'
import type { KafkaDeadLettersOptions } from '../../src/dead-letters/kafka-dead-letters.ts'
import { parseLetter } from '../../src/dead-letters/parse-letter.ts'
import type { DriverRecord } from '../../src/driver/driver.ts'
import { headerText } from '../../src/mapping/fields.ts'
import { attributeNames, recordToEvent } from '../../src/mapping/record-to-event.ts'
import { record } from '../mapping/records.ts'
import { FakeLetterDriver } from './fake-letter-driver.ts'
import type { SendFault } from './fake-letter-driver.ts'

const letterOf = (from: DriverRecord, differs: Partial<DeadLetter> = {}): DeadLetter => ({
  event: recordToEvent(from, { cluster: 'c1' }).event,
  intake: `${from.topic}/${from.partition}`,
  function: 'ship',
  reason: 'exhausted',
  detail: '10 attempts failed',
  attempts: 10,
  history: [{ at: 1000, durationMs: 5, status: 503, error: 'busy' }],
  firstAttemptAt: 500,
  lastAttemptAt: 1000,
  diedAt: 1005,
  hops: 0,
  naming: { prefix: 'X-Kafka-', reserved: attributeNames },
  ...differs,
})

const open = (driver: FakeLetterDriver, more: Partial<KafkaDeadLettersOptions> = {}) =>
  kafkaDeadLetters({
    driver,
    logger: silentLogger,
    connection: { brokers: ['b:1'], clientId: 'test', material: () => Promise.resolve({}) },
    ...more,
  })

const withTopics = (partitions = 4): FakeLetterDriver => {
  const driver = new FakeLetterDriver()
  driver.add('orders', partitions)
  driver.add('orders.dlq', partitions)
  driver.configs.set('orders.dlq', new Map([['retention.ms', '-1']]))
  return driver
}

describe('a letter', () => {
  it('is the original record, with what happened in its headers', async () => {
    const driver = withTopics()
    const sink = open(driver)
    const from = record({
      headers: [
        ['a', Buffer.from([0xff])],
        ['__proto__', Buffer.from('x')],
        ['a', Buffer.from('2')],
      ],
    })
    await sink.write(letterOf(from))
    const [written] = driver.log.get('orders.dlq')?.[3] ?? []
    expect(written).toMatchObject({ key: from.key, value: from.value, timestamp: from.timestamp })
    expect(written?.headers.slice(0, 3)).toEqual(from.headers)
    expect(Object.fromEntries(written?.headers.slice(3) ?? [])).toEqual({
      'millrace-event-id': 'kafka:c1/orders/3/42',
      'millrace-function': 'ship',
      'millrace-target': 'ship',
      'millrace-reason': 'exhausted',
      'millrace-detail': '10 attempts failed',
      'millrace-status': '503',
      'millrace-error': 'busy',
      'millrace-attempts': '10',
      'millrace-first-attempt-at': '500',
      'millrace-last-attempt-at': '1000',
      'millrace-died-at': '1005',
      'millrace-hops': '1',
      'millrace-connector': 'millrace/kafka-connector',
      'millrace-header-prefix': 'X-Kafka-',
      'millrace-origin-topic': 'orders',
      'millrace-origin-partition': '3',
      'millrace-origin-offset': '42',
      'millrace-origin-timestamp': '1764000000000',
      'millrace-origin-group': 'faas-group-1',
    })
    await sink.close()
    expect(driver.open).toBe(0)
  })

  it('of a tombstone is one, and of a value that the registry decoded holds the original bytes', async () => {
    const driver = withTopics()
    const sink = open(driver)
    await sink.write(letterOf(record({ value: undefined, key: undefined })))
    const value = Buffer.from([0, 0, 0, 0, 7, 1])
    const { event } = recordToEvent(record({ value }), {
      cluster: 'c1',
      decoded: { data: Buffer.from('{}'), contentType: 'application/json' },
    })
    await sink.write({ ...letterOf(record()), event })
    expect(driver.all('orders.dlq').map((written) => [written.key?.toString(), written.value])).toEqual([
      [undefined, undefined],
      ['k1', value],
    ])
  })

  it('of a letter keeps where it began, counts the hop, and says the rest anew', async () => {
    const driver = withTopics()
    const sink = open(driver)
    await sink.write(letterOf(record()))
    const first = driver.all('orders.dlq')[0]
    const replayed = record({ offset: 99, headers: first?.headers ?? [] })
    await sink.write(letterOf(replayed, { hops: 1, reason: 'rejected' }))
    const second = driver.all('orders.dlq')[1]?.headers ?? []
    expect(headerText(second, 'millrace-origin-offset')).toBe('42')
    expect(headerText(second, 'millrace-hops')).toBe('2')
    expect(headerText(second, 'millrace-reason')).toBe('rejected')
    expect(second.filter(([name]) => name === 'millrace-reason')).toHaveLength(1)
  })

  it('is read again as the letter that it was', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined })
    const headers = fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 })), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(bytes, bytes, headers, fc.nat(5), async (key, value, fields, hops) => {
        const driver = withTopics()
        const sink = open(driver)
        const letter = letterOf(record({ key, value, headers: fields }), {
          hops,
          history: [{ at: 1000, durationMs: 0, status: 503, error: 'busy' }],
        })
        await sink.write(letter)
        const written = driver.all('orders.dlq')[0]
        const read = parseLetter({ topic: 'orders.dlq', partition: 3, offset: 0, ...written } as DriverRecord, 'c1')
        expect(read).toMatchObject({
          ...letter,
          event: { ...letter.event, headers: expect.arrayContaining([...letter.event.headers]) as unknown },
        })
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    ['connect', '__connect.errors.offset', '42'],
    ['spring', 'kafka_dlt-original-offset', Buffer.from([0, 0, 0, 0, 0, 0, 0, 42])],
  ] as const)('has the names of %s beside ours when that is wanted', async (headers, name, value) => {
    const driver = withTopics()
    const sink = open(driver, { headers })
    await sink.write(letterOf(record()))
    const fields = new Map(driver.all('orders.dlq')[0]?.headers)
    expect([fields.get(name), fields.get('millrace-origin-offset')]).toEqual([value, '42'])
  })
})

describe('the topic of a letter', () => {
  it('is created like its origin, and kept for ever, where that is allowed', async () => {
    const driver = new FakeLetterDriver()
    driver.add('orders', 6)
    await open(driver).prepare([{ topic: 'orders', function: 'ship' }])
    expect(driver.created).toMatchObject([{ topic: 'orders.dlq', partitions: 6, replicationFactor: -1 }])
    expect(driver.created[0]?.config.get('retention.ms')).toBe('-1')
  })

  it.each([
    ['it may not be created', { create: false }, () => {}],
    ['creating it is refused', {}, (driver: FakeLetterDriver) => (driver.canCreate = false)],
  ])('is missed before anything is taken in: %s', async (_what, options, arrange) => {
    const driver = new FakeLetterDriver()
    driver.add('orders', 1)
    arrange(driver)
    await expect(open(driver, options).prepare([{ topic: 'orders' }])).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOPIC_MISSING' })
  })

  it('that goes away is made again at the next try', async () => {
    const driver = withTopics()
    const sink = open(driver)
    await sink.write(letterOf(record()))
    driver.log.delete('orders.dlq')
    await expect(sink.write(letterOf(record()))).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOPIC_MISSING' })
    await sink.write(letterOf(record()))
    expect(driver.all('orders.dlq')).toHaveLength(1)
  })

  it('that deletes by age gets letters with the time of the moment: that of an old record would be deleted at once', async () => {
    const driver = withTopics()
    driver.configs.set('orders.dlq', new Map([['retention.ms', '604800000']]))
    await open(driver).write(letterOf(record()))
    const [written] = driver.all('orders.dlq')
    expect([written?.timestamp, headerText(written?.headers ?? [], 'millrace-origin-timestamp')]).toEqual([undefined, '1764000000000'])
  })

  it('that does not take the time of the record gets that of the moment', async () => {
    const driver = withTopics()
    driver.maxTime = 1_000
    await open(driver).write(letterOf(record()))
    expect(driver.all('orders.dlq').map(({ timestamp }) => timestamp)).toEqual([undefined])
  })

  it('that is compacted is refused: letters of one key would replace each other', async () => {
    const driver = withTopics()
    driver.configs.set('orders.dlq', new Map([['cleanup.policy', 'compact,delete']]))
    await expect(open(driver).prepare([{ topic: 'orders' }])).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_COMPACTED' })
  })

  it('never comes from a header, which a producer may have written', async () => {
    const driver = withTopics()
    await open(driver).write(letterOf(record({ headers: [['millrace-origin-topic', Buffer.from('evil')]] })))
    expect([...driver.log.keys()]).toEqual(['orders', 'orders.dlq'])
  })
})

describe('what is acknowledged is in the log', () => {
  it('sends one partition at a time, and letters that wait together', async () => {
    const driver = withTopics()
    const sink = open(driver)
    await Promise.all(Array.from({ length: 30 }, (_, n) => sink.write(letterOf(record({ partition: n % 3, offset: n })))))
    expect(driver.sends.map(({ records }) => records)).toEqual([10, 10, 10])
    expect(driver.producers).toBe(1)
  })

  it('compresses a letter that is too large as it is, and then keeps all of it', async () => {
    const driver = withTopics()
    const sink = open(driver)
    driver.maxBytes = 2000
    driver.packsTo = 0.5
    await sink.write(letterOf(record({ value: Buffer.alloc(2500) })))
    expect(headerText(driver.all('orders.dlq')[0]?.headers ?? [], 'millrace-error')).toBeDefined()
    await expect(sink.write(letterOf(record({ value: Buffer.alloc(5000) })))).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOO_LARGE' })
  })

  it('cuts the error text of a letter that is too large, then says so and holds', async () => {
    const driver = withTopics()
    const sink = open(driver)
    driver.maxBytes = 700
    await sink.write(letterOf(record(), { history: [{ at: 1, durationMs: 1, error: 'e'.repeat(1000) }] }))
    expect(headerText(driver.all('orders.dlq')[0]?.headers ?? [], 'millrace-error')).toBeUndefined()
    await expect(sink.write(letterOf(record({ value: Buffer.alloc(800) })))).rejects.toMatchObject({ code: 'E_KAFKA_LETTER_TOO_LARGE' })
  })

  it('one letter that is too large harms none that wait with it', async () => {
    const driver = withTopics()
    const sink = open(driver)
    driver.maxBytes = 2000
    const results = await Promise.allSettled(
      [10, 10, 5000, 10].map((size, offset) => sink.write(letterOf(record({ offset, value: Buffer.alloc(size) })))),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  })

  it('under any faults of kafkajs, and a producer is never used after a refusal', async () => {
    const fault = fc.constantFrom<SendFault>(
      'ok',
      'refused',
      'appended-but-refused',
      'acknowledged-at-an-old-offset',
      'no-answer-for-the-partition',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 30 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }),
        async (faults, partitions) => {
          const driver = withTopics()
          driver.faults = [...faults]
          const sink = open(driver)
          const results = await Promise.allSettled(
            partitions.map((partition, offset) => sink.write(letterOf(record({ partition, offset })))),
          )
          const inLog = new Set(driver.all('orders.dlq').map(({ headers }) => headerText(headers, 'millrace-origin-offset')))
          results.forEach(({ status }, offset) => status === 'fulfilled' && expect(inLog).toContain(String(offset)))
          expect(
            results
              .filter(({ status }) => status === 'rejected')
              .every((one) => 'reason' in one && !String(one.reason).includes('used after')),
          ).toBe(true)
          await sink.close()
          expect(driver.open).toBe(0)
        },
      ),
    )
  })
})
