import { afterEach, describe, expect, test } from 'vitest'
import { redis, uniqueName } from '../../../../../test/servers/redis.ts'
import type { RedisServer } from '../../../../../test/servers/redis.ts'
import type { StateStore } from '../../../src/contract/state-store.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { RedisStateOptions } from '../../../src/ports/state/redis-store.ts'
import { recordingLogger } from '../journal/recording-logger.ts'
import { bytes, openStore, until } from './redis-kit.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const server = async (options: Parameters<typeof redis.single>[0] = {}): Promise<RedisServer> => {
  const started = await redis.single(options)
  ends.push(() => started.stop())
  return started
}

const storeOf = async (url: string, options: Partial<RedisStateOptions> = {}): Promise<StateStore> => {
  const store = await openStore(url, uniqueName('state'), options)
  ends.push(() => store.close())
  return store
}

/** What a call is rejected with, and how long that took. */
const refused = async (run: () => Promise<unknown>): Promise<{ readonly error: unknown; readonly ms: number }> => {
  const from = performance.now()
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return { error, ms: performance.now() - from }
}

const ioError = (reason: string): unknown =>
  expect.objectContaining({ code: 'E_STATE_IO', retryable: true, message: expect.stringContaining(reason) as string })

const answers = (store: StateStore) => (): Promise<boolean> =>
  store.get('probe').then(
    () => true,
    () => false,
  )

describe('state in a Redis that fails', () => {
  test('kill -9: calls fail at once, one line says so, and all that was put is there after the restart', async () => {
    const own = await server({ appendonly: true })
    const logger = recordingLogger()
    const store = await storeOf(own.url, { logger })
    expect(await store.put('cursor', bytes('7'), 'absent')).toBe(1)
    const lease = await store.lease('lead', 600_000)
    expect(lease).toBeDefined()
    const flying = Promise.allSettled(Array.from({ length: 200 }, (_, n) => store.put(`k${n}`, bytes('x'), 'absent')))
    await own.kill9()
    for (const put of await flying) if (put.status === 'rejected') expect(put.reason).toEqual(ioError('Redis at redis://127.0.0.1'))
    await until(() => answers(store)().then((ok) => !ok), 'the loss noticed')
    const { error, ms } = await refused(() => store.put('cursor', bytes('8'), 1))
    expect(error).toEqual(ioError('Redis at'))
    expect(ms).toBeLessThan(400)
    await expect(lease?.renew()).rejects.toEqual(ioError('Redis at'))
    expect(lease?.signal.aborted).toBe(false)
    await own.start()
    await until(answers(store), 'back')
    expect(await store.get('cursor')).toEqual({ value: bytes('7'), version: 1 })
    expect(await store.put('cursor', bytes('8'), 1)).toBe(2)
    // The lease was written as well, and its time goes on.
    expect(await lease?.renew()).toBe(true)
    const lines = logger.lines.filter(({ message }) => message.startsWith('state: Redis'))
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info'])
  })

  test('a Redis that forgot everything: the lease is lost, and fences grow all the same', async () => {
    const own = await server()
    const store = await storeOf(own.url)
    const lease = await store.lease('lead', 600_000)
    await own.kill9()
    await own.start()
    await until(answers(store), 'back')
    const next = await store.lease('lead', 600_000)
    expect(next?.fence).toBeGreaterThan(lease?.fence ?? Number.POSITIVE_INFINITY)
    expect(await lease?.renew()).toBe(false)
    expect(lease?.signal.aborted).toBe(true)
    expect(await store.put('key', bytes('late'), 'absent', lease)).toBeUndefined()
    expect(await store.put('key', bytes('next'), 'absent', next)).toBe(1)
  })

  test('SIGSTOP: calls fail in time, leases end by theirs, and it goes on by itself', async () => {
    const own = await server()
    const store = await storeOf(own.url, { connectTimeoutMs: 1000 })
    const lease = await store.lease('lead', 800)
    own.pause()
    const first = await refused(() => store.get('key'))
    expect(first.error).toEqual(ioError('no reply within 500 ms'))
    expect(first.ms).toBeGreaterThanOrEqual(499)
    expect(first.ms).toBeLessThan(2000)
    const second = await refused(() => store.put('key', bytes('x'), 'absent'))
    expect(second.error).toEqual(ioError('Redis at'))
    expect(second.ms).toBeLessThan(400)
    await until(() => lease?.signal.aborted === true, 'the lease over')
    expect(await lease?.renew()).toBe(false)
    own.resume()
    await until(answers(store), 'back')
    expect(await store.lease('lead', 600_000)).toBeDefined()
  })

  test('a full Redis refuses puts and serves reads; nothing of a refused put is there', async () => {
    const own = await server({ args: ['--maxmemory-policy', 'noeviction'] })
    const store = await storeOf(own.url)
    await store.put('key', bytes('a'), 'absent')
    await own.command('CONFIG', 'SET', 'maxmemory', '1')
    await expect(store.put('key', bytes('b'), 1)).rejects.toEqual(ioError('OOM'))
    await expect(store.put('new', bytes('b'), 'absent')).rejects.toEqual(ioError('OOM'))
    await expect(store.lease('lead', 1000)).rejects.toEqual(ioError('OOM'))
    expect(await store.get('key')).toEqual({ value: bytes('a'), version: 1 })
    expect(await store.keys('')).toEqual(['key'])
    await own.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await store.put('key', bytes('b'), 1)).toBe(2)
  })

  test('a wrong password is said, and a right one is taken at the next attempt without a restart; no password is ever told', async () => {
    const own = await server({ password: 'right-one' })
    const logger = recordingLogger()
    let password = 'wrong-one'
    const url = `redis://127.0.0.1:${own.port}`
    const store = await storeOf(url, { logger, material: () => Promise.resolve({ password: new Secret(password) }) })
    const { error } = await refused(() => store.get('key'))
    expect(error).toEqual(ioError('WRONGPASS'))
    password = 'right-one'
    await until(answers(store), 'logged in')
    // A rotation: open connections stay, the next one has the new password.
    await own.command('CONFIG', 'SET', 'requirepass', 'newer-one')
    password = 'newer-one'
    expect(await store.put('key', bytes('a'), 'absent')).toBe(1)
    const without = await storeOf(url)
    expect((await refused(() => without.get('key'))).error).toEqual(ioError('NOAUTH'))
    expect(JSON.stringify([logger.lines, String(error), error])).not.toMatch(/wrong-one|right-one|newer-one/)
  })

  test('what may lose state is said once: eviction, and no file of changes', async () => {
    const own = await server({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] })
    const logger = recordingLogger()
    const store = await storeOf(own.url, { logger })
    await own.command('CLIENT', 'KILL', 'TYPE', 'normal')
    await until(answers(store), 'back')
    const warnings = logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
    expect(warnings.filter((message) => message.includes('noeviction'))).toHaveLength(1)
    expect(warnings.filter((message) => message.includes('appendonly'))).toHaveLength(1)
  })

  test('a replica is refused, until it is the master', async () => {
    const master = await server()
    const own = await server({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
    const store = await storeOf(own.url)
    expect((await refused(() => store.get('key'))).error).toEqual(ioError('it is a replica'))
    await own.command('REPLICAOF', 'NO', 'ONE')
    await until(answers(store), 'a master')
    expect(await store.put('key', bytes('a'), 'absent')).toBe(1)
    // And back: the connection stands, its server cannot be written any more.
    await own.command('REPLICAOF', '127.0.0.1', String(master.port))
    await expect(store.put('key', bytes('b'), 1)).rejects.toEqual(ioError('READONLY'))
    await until(async () => String((await refused(() => store.get('key'))).error).includes('it is a replica'), 'refused again')
  })

  test('a node of a Cluster is refused in words', async () => {
    const own = await server({ args: ['--cluster-enabled', 'yes'] })
    const store = await storeOf(own.url)
    expect((await refused(() => store.get('key'))).error).toEqual(ioError('Sentinel is needed'))
  })

  test('nobody there at the start: it opens, says so, and goes on when there is somebody', async () => {
    const own = await server()
    await own.shutdown()
    const logger = recordingLogger()
    const store = await storeOf(own.url, { logger })
    expect((await refused(() => store.get('key'))).error).toEqual(ioError('ECONNREFUSED'))
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn'])
    await own.start()
    await until(answers(store), 'connected')
  })
})
