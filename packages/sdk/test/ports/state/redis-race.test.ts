import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redis, uniqueName } from '../../../../../test/servers/redis.ts'
import type { StateStore } from '../../../src/contract/state-store.ts'
import { bytes, openStore } from './redis-kit.ts'

/** Adds one to a counter, however often somebody else is faster. */
const increment = async (store: StateStore, key: string): Promise<void> => {
  for (;;) {
    const found = await store.get(key)
    const value = Number(found === undefined ? '0' : new TextDecoder().decode(found.value)) + 1
    if ((await store.put(key, bytes(String(value)), found?.version ?? 'absent')) !== undefined) return
  }
}

test('two clients that race over the same keys lose no write: compare-and-set is one step', async () => {
  const { url } = await redis.shared()
  const prefix = uniqueName('race')
  const [one, two] = await Promise.all([openStore(url, prefix), openStore(url, prefix)])
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), fc.nat(2)), { minLength: 2, maxLength: 40 }), async (steps) => {
      run++
      const keyOf = (n: number): string => `${run}/${n}`
      await Promise.all(steps.map(([isFirst, n]) => increment(isFirst ? one : two, keyOf(n))))
      for (const n of [0, 1, 2]) {
        const count = steps.filter(([, other]) => other === n).length
        const expected = count === 0 ? undefined : { value: bytes(String(count)), version: count }
        expect(await one.get(keyOf(n))).toEqual(expected)
      }
    }),
    { numRuns: 15 },
  )
  await Promise.all([one.close(), two.close()])
})

test('two clients that race for leases and write under them: writes are in the order of the fences', async () => {
  const { url } = await redis.shared()
  const prefix = uniqueName('race')
  const stores = await Promise.all([openStore(url, prefix), openStore(url, prefix)])
  const written: number[] = []
  const work = async (store: StateStore): Promise<void> => {
    let turns = 0
    while (turns < 10) {
      const lease = await store.lease('lead', 60_000)
      if (lease === undefined) continue
      const found = await store.get('fence')
      const put = await store.put('fence', bytes(String(lease.fence)), found?.version ?? 'absent', lease)
      // Only its holder writes: nobody can have been faster.
      expect(put).toBe((found?.version ?? 0) + 1)
      written.push(lease.fence)
      turns++
      await lease.release()
      expect(await store.put('fence', bytes('late'), put ?? 0, lease)).toBeUndefined()
    }
  }
  await Promise.all(stores.map((store) => work(store)))
  expect(written).toHaveLength(20)
  expect(written).toEqual(written.toSorted((a, b) => a - b))
  expect(new Set(written).size).toBe(20)
  await Promise.all(stores.map((store) => store.close()))
})
