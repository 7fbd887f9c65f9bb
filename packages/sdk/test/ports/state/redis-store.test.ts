import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { redis, uniqueName } from '../../../../../test/servers/redis.ts'
import type { StateStore } from '../../../src/contract/state-store.ts'
import type { RedisConnection } from '../../../src/ports/state/redis-client.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { stateStoreSuite } from '../../../src/testing/state-store-suite.ts'
import { bytes, letTimePass, openSideDoor, openStore } from './redis-kit.ts'

stateStoreSuite(
  'redis',
  async () => {
    const { url } = await redis.shared()
    const clock = manualClock()
    const prefix = uniqueName('state')
    const door = await openSideDoor(url)
    const opened: StateStore[] = []
    const open = async (): Promise<StateStore> => {
      const store = await openStore(url, prefix, {}, clock)
      opened.push(store)
      return store
    }
    let store = await open()
    return {
      get store() {
        return store
      },
      advance: async (ms) => {
        await letTimePass(door, prefix, ms)
        await clock.advanceAsync(ms)
      },
      reopen: async () => {
        await store.close()
        store = await open()
        return store
      },
      dispose: async () => {
        for (const each of opened) await each.close()
        door.drop()
      },
    }
  },
  // Long, since its own time passes in Redis beside the clock's.
  { ttlMs: 120_000 },
)

describe('state in Redis', () => {
  let url: string
  let prefix: string
  let store: StateStore
  let door: RedisConnection
  beforeEach(async () => {
    ;({ url } = await redis.shared())
    prefix = uniqueName('state')
    store = await openStore(url, prefix)
    door = await openSideDoor(url)
  })
  afterEach(async () => {
    await store.close()
    door.drop()
  })

  test('two stores see one state; another prefix sees nothing of it', async () => {
    const second = await openStore(url, prefix)
    const other = await openStore(url, `${prefix}-2`)
    expect(await store.put('key', bytes('a'), 'absent')).toBe(1)
    expect(await second.put('key', bytes('b'), 1)).toBe(2)
    expect(await store.get('key')).toEqual({ value: bytes('b'), version: 2 })
    expect(await other.keys('')).toEqual([])
    const lease = await store.lease('lead', 60_000)
    expect(await second.lease('lead', 60_000)).toBeUndefined()
    expect(await other.lease('lead', 60_000)).toBeDefined()
    await lease?.release()
    expect((await second.lease('lead', 60_000))?.fence).toBeGreaterThan(lease?.fence ?? Number.POSITIVE_INFINITY)
    await Promise.all([second.close(), other.close()])
  })

  test('closing gives leases back at once', async () => {
    const second = await openStore(url, prefix)
    const lease = await second.lease('lead', 600_000)
    await second.close()
    expect(lease?.signal.aborted).toBe(true)
    expect(await store.lease('lead', 600_000)).toBeDefined()
  })

  test('a lease that somebody removed from Redis is lost at its next renewal, and grants nothing until then', async () => {
    const lease = await store.lease('lead', 600_000)
    await door.call('DEL', `{${prefix}}:lease:lead`, `{${prefix}}:fence:lead`)
    const next = await store.lease('lead', 600_000)
    expect(next?.fence).toBeGreaterThan(lease?.fence ?? Number.POSITIVE_INFINITY)
    expect(await store.put('key', bytes('late'), 'absent', lease)).toBeUndefined()
    expect(await lease?.renew()).toBe(false)
    expect(lease?.signal.aborted).toBe(true)
    expect(await store.put('key', bytes('next'), 'absent', next)).toBe(1)
    await lease?.release()
    expect(await next?.renew()).toBe(true)
  })

  test('in real time: an expired lease ends at its holder before it ends in Redis, a mark goes by itself', async () => {
    const asked = performance.now()
    const lease = await store.lease('lead', 300)
    await store.put('mark', bytes('x'), 'absent', undefined, 300)
    const ended = new Promise((resolve) => lease?.signal.addEventListener('abort', resolve))
    await ended
    expect(performance.now() - asked).toBeGreaterThanOrEqual(299)
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, asked + 400 - performance.now())))
    expect(await store.get('mark')).toBeUndefined()
    expect(await store.lease('lead', 300)).toBeDefined()
    // Nothing of a mark stays behind.
    expect(await door.call('EXISTS', `{${prefix}}:value:mark`)).toBe(0)
  })

  test('keys are found by prefix alone, whatever stands in it', async () => {
    const names = ['a*b', 'axb', 'a?b', 'a[x]b', String.raw`a\b`, 'a', '{b}']
    for (const name of names) await store.put(name, bytes(name), 'absent')
    expect(await store.keys('a*')).toEqual(['a*b'])
    expect(await store.keys('a[x]')).toEqual(['a[x]b'])
    expect(await store.keys('a\\')).toEqual([String.raw`a\b`])
    expect([...(await store.keys(''))].toSorted()).toEqual(names.toSorted())
  })

  test('thousands of puts of one call, and of one moment, each get their answer', async () => {
    const puts = Array.from({ length: 1500 }, (_, n) => ({ key: `k${n}`, value: `v${n}`, expected: n % 2 === 0 ? ('absent' as const) : 7 }))
    const answers = await store.putMany?.(puts)
    expect(answers).toEqual(puts.map(({ expected }) => (expected === 'absent' ? 1 : undefined)))
    expect(await store.keys('k')).toHaveLength(750)
    const large = Array.from({ length: 9 }, (_, n) => ({
      key: `l${n}`,
      value: new Uint8Array(1 << 20).fill(n),
      expected: 'absent' as const,
    }))
    expect(await store.putMany?.(large)).toEqual(large.map(() => 1))
    expect((await store.get('l8'))?.value[5]).toBe(8)
    const many = await Promise.all(Array.from({ length: 1000 }, (_, n) => store.put(`m${n}`, bytes('x'), 'absent')))
    expect(many).toEqual(many.map(() => 1))
  })

  test('scripts that somebody flushed are sent again', async () => {
    await door.call('SCRIPT', 'FLUSH')
    expect(await store.put('key', bytes('a'), 'absent')).toBe(1)
    expect(await store.put('key', bytes('b'), 1)).toBe(2)
    expect(await store.delete('key', 2)).toBe(true)
  })

  test('a key that holds something else is an error, not a value', async () => {
    await door.call('SET', `{${prefix}}:value:key`, 'somebody else')
    await expect(store.get('key')).rejects.toMatchObject({ code: 'E_STATE_IO', message: expect.stringContaining('WRONGTYPE') as string })
    await expect(store.put('key', bytes('a'), 'absent')).rejects.toMatchObject({ code: 'E_STATE_IO' })
    // The connection is a good one all the same.
    expect(await store.put('other', bytes('a'), 'absent')).toBe(1)
  })

  test('databases are apart', async () => {
    const third = await openStore(`${url}/3`, prefix)
    await store.put('key', bytes('a'), 'absent')
    expect(await third.get('key')).toBeUndefined()
    expect(await third.put('key', bytes('b'), 'absent')).toBe(1)
    expect(await third.delete('key', 1)).toBe(true)
    await third.close()
  })
})
