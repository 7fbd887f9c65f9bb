import { noMetrics, redisState, silentLogger, systemClock } from '@millrace/sdk'
import type { Logger, StateStore } from '@millrace/sdk'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../../../test/ledger/until.ts'
import { redis, uniqueName } from '../../../../test/servers/redis.ts'
import type { RedisServer } from '../../../../test/servers/redis.ts'
import { dedupe } from '../../src/dedupe/dedupe.ts'
import type { Dedupe, DedupeOptions } from '../../src/dedupe/dedupe.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const own = async (): Promise<RedisServer> => {
  const server = await redis.single()
  ends.push(() => server.stop())
  return server
}

/** One replica: a connection and a memory of its own. */
const replica = async (
  url: string,
  prefix: string,
  options: Partial<DedupeOptions> = {},
): Promise<Dedupe & { readonly state: StateStore }> => {
  const state = await redisState({ url, prefix, clock: systemClock, logger: silentLogger, maxWaitMs: 200, connectTimeoutMs: 1000 })
  ends.push(() => state.close())
  const made = dedupe({ state, clock: systemClock, logger: silentLogger, metrics: noMetrics, retryMs: 100, ...options })
  return { seen: (id) => made.seen(id), mark: (id) => made.mark(id), state }
}

test('two replicas know what the other has finished, and many marks at once', async () => {
  const { url } = await redis.shared()
  const prefix = uniqueName('dedupe')
  const [one, two, other] = [await replica(url, prefix), await replica(url, prefix), await replica(url, uniqueName('dedupe'))]
  const ids = Array.from({ length: 500 }, (_, n) => `rabbitmq:%2F/orders/${n}`)
  await Promise.all(ids.map((id, n) => (n % 2 === 0 ? one : two).mark(id)))
  for (const each of [one, two]) expect(await Promise.all(ids.map(async (id) => each.seen(id)))).toEqual(ids.map(() => true))
  expect(await other.seen('rabbitmq:%2F/orders/1')).toBe(false)
  expect(await one.seen('rabbitmq:%2F/orders/500')).toBe(false)
})

test('marks leave Redis by themselves', async () => {
  const { url } = await redis.shared()
  const one = await replica(url, uniqueName('dedupe'), { ttlMs: 150 })
  await one.mark('id')
  expect(await one.state.keys('rabbitmq/dedupe/')).toHaveLength(1)
  await until(async () => (await one.state.keys('rabbitmq/dedupe/')).length === 0, 'the mark gone')
  expect(await one.seen('id')).toBe(false)
})

test('a Redis that stands still, dies, and comes back: delivered within 500 ms each, said once, and known again afterwards', async () => {
  const server = await own()
  const prefix = uniqueName('dedupe')
  const lines: string[] = []
  const note = (message: string): void => void lines.push(message)
  const logger: Logger = { ...silentLogger, info: note, warn: note }
  const one = await replica(server.url, prefix, { logger })
  const two = await replica(server.url, prefix)
  await one.mark('before')
  expect(await two.seen('before')).toBe(true)
  server.pause()
  const from = performance.now()
  expect(await Promise.all(Array.from({ length: 20 }, async (_, n) => one.seen(`during-${n}`)))).toEqual(
    Array.from({ length: 20 }, () => false),
  )
  // Twenty at once take the time of one.
  expect(performance.now() - from).toBeLessThan(1500)
  await one.mark('during-0')
  expect(await one.seen('during-0')).toBe(true)
  expect(await one.seen('before')).toBe(true)
  server.resume()
  await until(async () => {
    await one.seen('probe')
    return lines.some((line) => line.includes('looking for marks again'))
  }, 'back')
  await server.kill9()
  await until(async () => {
    await one.seen('probe')
    return lines.filter((line) => line.includes('not looking')).length === 2
  }, 'away again')
  await server.start()
  await until(async () => {
    const id = uniqueName('after')
    await one.mark(id)
    return two.seen(id)
  }, 'marks shared again')
})

test('a full Redis: marks are not written, repeats in this process are known, events are delivered', async () => {
  const server = await own()
  const one = await replica(server.url, uniqueName('dedupe'))
  await one.mark('before')
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  await one.mark('full')
  expect(await one.seen('full')).toBe(true)
  expect(await one.seen('new')).toBe(false)
  expect(await one.state.keys('rabbitmq/dedupe/')).toHaveLength(1)
})
