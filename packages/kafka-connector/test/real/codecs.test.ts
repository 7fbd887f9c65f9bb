import { silentLogger } from '@millrace/sdk'
import type { Logger } from '@millrace/sdk'
import { CompressionTypes } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerCodecs } from '../../src/driver/register-codecs.ts'
import { Bench, bodies, uniqueName, until, withAdmin } from './kit.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
}, 120_000)
afterEach(async () => {
  await bench.close()
  registerCodecs()
})

const values = Array.from({ length: 50 }, (_, n) => `${n}:${'millrace '.repeat(n % 7)}`)

const gatewayFor = (topic: string) => bench.gateway({ functions: { fn: { annotations: { topic } } } })

describe('compressed records of a real broker', () => {
  it.each([
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
    ['zstd', CompressionTypes.ZSTD],
  ])('%s: written here, and written anew by the broker', { timeout: 60_000 }, async (name, compression) => {
    registerCodecs()
    const own = await bench.topic()
    const recompressed = uniqueName('t')
    await withAdmin({ brokers: [...bench.bootstrap] }, (admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic: recompressed, numPartitions: 1, configEntries: [{ name: 'compression.type', value: name }] }],
      }),
    )
    const producer = bench.client.producer()
    await producer.connect()
    await producer.send({ topic: own, compression, messages: values.map((value) => ({ value })) })
    await producer.send({ topic: recompressed, messages: values.map((value) => ({ value })) })
    await producer.disconnect()
    const gateway = await gatewayFor(`${own},${recompressed}`)
    await bench.connect(gateway, uniqueName('g'))
    await gateway.waitFor(100, 30_000)
    for (const topic of [own, recompressed]) {
      const ofTopic = gateway.requests.filter(({ headers }) => headers.some(([header, value]) => header === 'X-Topic' && value === topic))
      expect(bodies(ofTopic)).toEqual(values)
    }
  })

  it(
    'T43 a batch that becomes longer than allowed stops its group with a coded alarm, and nothing is passed over',
    { timeout: 60_000 },
    async () => {
      registerCodecs()
      const topic = await bench.topic()
      const producer = bench.client.producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ value: 'before' }] })
      await producer.send({ topic, compression: CompressionTypes.ZSTD, messages: [{ value: Buffer.alloc(900_000) }] })
      await producer.disconnect()
      const gateway = await gatewayFor(topic)
      const lines: string[] = []
      const group = uniqueName('g')
      const note = (message: string, fields?: unknown): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
      const logger: Logger = { ...silentLogger, info: note, warn: note, error: note, child: () => logger }
      await bench.connect(gateway, group, { maxBatchBytes: 65_536 }, { logger })
      await until(() => lines.some((line) => line.includes('E_KAFKA_COMPRESSION')), 'the alarm was raised').catch((error: unknown) => {
        throw new Error(lines.join('\n'), { cause: error })
      })
      const [committed] = await bench.committed(group, topic)
      expect(committed?.offset ?? -1).toBeLessThanOrEqual(1)
    },
  )
})
