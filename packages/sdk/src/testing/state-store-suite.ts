import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Put, StateStore } from '../contract/state-store.ts'

/** One store under test. */
export interface StateStoreHarness {
  readonly store: StateStore
  /** Lets this much time pass for leases and times to live: a manual clock's advance, or a real wait for a store that has its own clock. */
  advance(ms: number): Promise<void>
  /** Closes the store and opens it again on the same data; needed when the store is durable. */
  reopen?(): Promise<StateStore>
  /** Closes the store and removes what it left. */
  dispose(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : new TextDecoder().decode(value))
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)

interface Suite {
  readonly current: () => StateStoreHarness
  /** How long leases and values with a time to live last, in milliseconds. */
  readonly ttlMs: number
}

const valueTests = ({ current }: Suite): void => {
  test('a key that was never put is absent', async () => {
    expect(await current().store.get('nothing')).toBeUndefined()
    expect(await current().store.keys('')).toEqual([])
  })

  test('a put is read back byte for byte, also when it is empty or no text', async () => {
    const { store } = current()
    expect(await store.put('bytes', everyByte, 'absent')).toBe(1)
    expect(await store.put('empty', new Uint8Array(), 'absent')).toBe(1)
    expect(await store.get('bytes')).toEqual({ value: everyByte, version: 1 })
    expect(await store.get('empty')).toEqual({ value: new Uint8Array(), version: 1 })
  })

  test('what is put or read later changes nothing in the store', async () => {
    const { store } = current()
    const given = bytes('one')
    await store.put('key', given, 'absent')
    given.fill(0)
    const read = await store.get('key')
    read?.value.fill(0)
    expect(text((await store.get('key'))?.value)).toBe('one')
  })

  test('keys may hold anything and are found by prefix', async () => {
    const { store } = current()
    const names = ['__proto__', 'constructor', 'a/b', 'a/c\n\t"', 'ä/☃/😀', 'x'.repeat(512)]
    for (const name of names) expect(await store.put(name, bytes(name), 'absent')).toBe(1)
    for (const name of names) expect(text((await store.get(name))?.value)).toBe(name)
    expect([...(await store.keys('a/'))].toSorted()).toEqual(['a/b', 'a/c\n\t"'].toSorted())
    expect([...(await store.keys(''))].toSorted()).toEqual(names.toSorted())
  })

  test('T32: a value of 1 MiB fits, one byte more and a key of 513 bytes are refused', async () => {
    const { store } = current()
    const largest = new Uint8Array(1 << 20).fill(7)
    expect(await store.put('large', largest, 'absent')).toBe(1)
    expect((await store.get('large'))?.value.length).toBe(1 << 20)
    await expect(store.put('larger', new Uint8Array((1 << 20) + 1), 'absent')).rejects.toMatchObject({ code: 'E_STATE_LIMIT' })
    await expect(store.put('ä'.repeat(257), bytes('x'), 'absent')).rejects.toMatchObject({ code: 'E_STATE_LIMIT' })
    expect(await store.get('larger')).toBeUndefined()
  })
}

const versionTests = ({ current }: Suite): void => {
  test('versions count from 1; only the current one may be replaced or deleted', async () => {
    const { store } = current()
    expect(await store.put('key', bytes('a'), 1)).toBeUndefined()
    expect(await store.put('key', bytes('a'), 'absent')).toBe(1)
    expect(await store.put('key', bytes('b'), 'absent')).toBeUndefined()
    expect(await store.put('key', bytes('b'), 2)).toBeUndefined()
    expect(await store.put('key', bytes('b'), 1)).toBe(2)
    expect(text((await store.get('key'))?.value)).toBe('b')
    expect(await store.delete('key', 1)).toBe(false)
    expect(await store.delete('key', 2)).toBe(true)
    expect(await store.delete('key', 2)).toBe(false)
    expect(await store.get('key')).toBeUndefined()
    expect(await store.put('key', bytes('c'), 'absent')).toBe(1)
  })

  test('of many puts at once against one version exactly one wins', async () => {
    const { store } = current()
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => store.put('key', bytes(String(index)), 'absent')))
    const winner = results.indexOf(1)
    expect(results.filter((version) => version !== undefined)).toEqual([1])
    expect(text((await store.get('key'))?.value)).toBe(String(winner))
  })
}

const manyTests = ({ current, ttlMs }: Suite): void => {
  test('putMany answers for each put as put does; an absent one is made up for by the caller', async ({ skip }) => {
    const { store } = current()
    if (store.putMany === undefined) return skip()
    await store.put('old', bytes('1'), 'absent')
    const lease = await store.lease('lead', ttlMs)
    await lease?.release()
    const answers = await store.putMany([
      { key: 'old', value: bytes('2'), expected: 1 },
      { key: 'text', value: 'ä☃😀', expected: 'absent' },
      { key: 'wrong', value: 'x', expected: 7 },
      { key: 'bytes', value: everyByte, expected: 'absent' },
      { key: 'late', value: 'x', expected: 'absent', ...(lease !== undefined && { lease }) },
    ])
    expect(answers).toEqual([2, 1, undefined, 1, undefined])
    expect(text((await store.get('old'))?.value)).toBe('2')
    expect(await store.get('text')).toEqual({ value: bytes('ä☃😀'), version: 1 })
    expect(await store.get('bytes')).toEqual({ value: everyByte, version: 1 })
    expect([...(await store.keys(''))].toSorted()).toEqual(['bytes', 'old', 'text'])
    expect(await store.putMany([])).toEqual([])
  })

  test('puts of one key, in one call and in several at once, take turns: each sees what the one before left', async ({ skip }) => {
    const { store } = current()
    if (store.putMany === undefined) return skip()
    const three = [1, 2, 'absent'].map((expected) => ({ key: 'key', value: String(expected), expected }) as Put)
    const [first, second, third] = await Promise.all([
      store.putMany([{ key: 'key', value: 'a', expected: 'absent' }, ...three, { key: 'other', value: 'b', expected: 'absent' }]),
      store.putMany([{ key: 'key', value: 'late', expected: 3 }]),
      store.put('key', bytes('absent'), 'absent'),
    ])
    expect(first).toEqual([1, 2, 3, undefined, 1])
    expect([second, third]).toEqual([[4], undefined])
    expect(text((await store.get('key'))?.value)).toBe('late')
  })

  test('putMany refuses as a whole what put refuses, and leaves nothing of it', async ({ skip }) => {
    const { store } = current()
    if (store.putMany === undefined) return skip()
    const puts: readonly Put[] = [
      { key: 'good', value: 'x', expected: 'absent' },
      { key: 'large', value: 'x'.repeat((1 << 20) + 1), expected: 'absent' },
    ]
    await expect(store.putMany(puts)).rejects.toMatchObject({ code: 'E_STATE_LIMIT' })
    expect(await store.keys('')).toEqual([])
  })
}

const expiryTests = ({ current, ttlMs }: Suite): void => {
  test('a put with a time to live is absent after it, in every respect', async () => {
    const harness = current()
    const { store } = harness
    expect(await store.put('mark', bytes('a'), 'absent', undefined, ttlMs)).toBe(1)
    expect(await store.put('stays', bytes('b'), 'absent')).toBe(1)
    await harness.advance(ttlMs * 0.5)
    expect(text((await store.get('mark'))?.value)).toBe('a')
    expect(await store.put('mark', bytes('again'), 'absent', undefined, ttlMs)).toBeUndefined()
    await harness.advance(ttlMs * 0.5 + 50)
    expect(await store.get('mark')).toBeUndefined()
    expect(await store.keys('')).toEqual(['stays'])
    expect(await store.delete('mark', 1)).toBe(false)
    expect(await store.put('mark', bytes('late'), 1)).toBeUndefined()
    expect(await store.put('mark', bytes('new'), 'absent', undefined, ttlMs)).toBe(1)
    expect(text((await store.get('mark'))?.value)).toBe('new')
  })

  test('the last put of a key says how long it lives, or that it stays', async () => {
    const harness = current()
    const { store } = harness
    for (const key of ['longer', 'stays', 'ends']) {
      expect(await store.put(key, bytes('1'), 'absent', undefined, key === 'ends' ? undefined : ttlMs)).toBe(1)
    }
    await harness.advance(ttlMs * 0.5)
    expect(await store.put('longer', bytes('2'), 1, undefined, ttlMs)).toBe(2)
    expect(await store.put('stays', bytes('2'), 1)).toBe(2)
    expect(await store.put('ends', bytes('2'), 1, undefined, ttlMs)).toBe(2)
    await harness.advance(ttlMs * 0.75)
    expect([...(await store.keys(''))].toSorted()).toEqual(['ends', 'longer', 'stays'])
    await harness.advance(ttlMs * 0.25 + 50)
    expect(await store.keys('')).toEqual(['stays'])
    expect(await store.get('stays')).toEqual({ value: bytes('2'), version: 2 })
  })

  test('putMany takes a time to live for each; one that is no length of time is the shortest', async ({ skip }) => {
    const harness = current()
    const { store } = harness
    if (store.putMany === undefined) return skip()
    const puts: readonly Put[] = [
      { key: 'a', value: '1', expected: 'absent', ttlMs },
      { key: 'b', value: '1', expected: 'absent' },
      { key: 'c', value: '1', expected: 'absent', ttlMs: -1 },
      { key: 'd', value: '1', expected: 'absent', ttlMs: Number.MAX_VALUE },
    ]
    expect(await store.putMany(puts)).toEqual([1, 1, 1, 1])
    await harness.advance(ttlMs + 50)
    expect([...(await store.keys(''))].toSorted()).toEqual(['b', 'd'])
  })
}

const leaseTests = ({ current, ttlMs }: Suite): void => {
  test('a lease is exclusive until it is released', async () => {
    const { store } = current()
    const first = await store.lease('lead', ttlMs)
    expect(await store.lease('lead', ttlMs)).toBeUndefined()
    expect(await store.lease('other', ttlMs)).toBeDefined()
    await first?.release()
    expect(first?.signal.aborted).toBe(true)
    const second = await store.lease('lead', ttlMs)
    expect(second?.fence).toBeGreaterThan(first?.fence ?? Number.POSITIVE_INFINITY)
  })

  test('of many takers at once exactly one gets the lease', async () => {
    const { store } = current()
    const leases = await Promise.all(Array.from({ length: 20 }, () => store.lease('lead', ttlMs)))
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1)
  })

  test('a lease ends after its time, and the late holder is refused', async () => {
    const harness = current()
    const { store } = harness
    const old = await store.lease('lead', ttlMs)
    expect(await store.put('key', bytes('old'), 'absent', old)).toBe(1)
    await harness.advance(ttlMs + 50)
    expect(old?.signal.aborted).toBe(true)
    expect(await old?.renew()).toBe(false)
    const next = await store.lease('lead', ttlMs)
    expect(next?.fence).toBeGreaterThan(old?.fence ?? Number.POSITIVE_INFINITY)
    expect(await store.put('key', bytes('late'), 1, old)).toBeUndefined()
    expect(await store.put('key', bytes('next'), 1, next)).toBe(2)
    await old?.release()
    expect(next?.signal.aborted).toBe(false)
    expect(await store.lease('lead', ttlMs)).toBeUndefined()
  })

  test('renewing keeps a lease', async () => {
    const harness = current()
    const { store } = harness
    const lease = await store.lease('lead', ttlMs)
    for (let i = 0; i < 4; i++) {
      await harness.advance(ttlMs * 0.6)
      expect(await lease?.renew()).toBe(true)
    }
    expect(lease?.signal.aborted).toBe(false)
    expect(await store.lease('lead', ttlMs)).toBeUndefined()
  })

  test('closing ends leases and refuses everything after it', async () => {
    const { store } = current()
    const lease = await store.lease('lead', ttlMs)
    await store.close()
    expect(lease?.signal.aborted).toBe(true)
    await expect(store.get('key')).rejects.toMatchObject({ code: 'E_STATE_CLOSED' })
    await expect(store.put('key', bytes('x'), 'absent')).rejects.toMatchObject({ code: 'E_STATE_CLOSED' })
  })
}

const reopened = async (harness: StateStoreHarness): Promise<StateStore> => {
  if (harness.reopen === undefined) throw new Error('a durable store needs reopen()')
  return harness.reopen()
}

const durableTests = ({ current, ttlMs }: Suite): void => {
  test('values and versions are there after the store was opened again', async () => {
    const harness = current()
    await harness.store.put('bytes', everyByte, 'absent')
    await harness.store.put('text', bytes('1'), 'absent')
    await harness.store.put('text', bytes('2'), 1)
    await harness.store.put('gone', bytes('x'), 'absent')
    await harness.store.delete('gone', 1)
    const again = await reopened(harness)
    expect(await again.get('bytes')).toEqual({ value: everyByte, version: 1 })
    expect(await again.get('text')).toEqual({ value: bytes('2'), version: 2 })
    expect(await again.get('gone')).toBeUndefined()
    expect(await again.put('text', bytes('3'), 2)).toBe(3)
  })

  test('a time to live goes on over a restart', async () => {
    const harness = current()
    await harness.store.put('mark', bytes('a'), 'absent', undefined, ttlMs)
    await harness.store.put('longer', bytes('a'), 'absent', undefined, ttlMs * 3)
    await harness.advance(ttlMs * 0.5)
    const again = await reopened(harness)
    expect(await again.get('mark')).toEqual({ value: bytes('a'), version: 1 })
    await harness.advance(ttlMs * 0.5 + 50)
    expect(await again.get('mark')).toBeUndefined()
    const third = await reopened(harness)
    expect(await third.keys('')).toEqual(['longer'])
  })

  test('fences grow over a restart', async () => {
    const harness = current()
    const first = await harness.store.lease('lead', ttlMs)
    const again = await reopened(harness)
    await harness.advance(ttlMs + 50)
    expect((await again.lease('lead', ttlMs))?.fence).toBeGreaterThan(first?.fence ?? Number.POSITIVE_INFINITY)
  })
}

/**
 * What every state store must do, as a vitest suite.
 *
 * @param durable values survive `reopen()`. @default true
 * @param ttlMs how long leases and marks last that are then waited for with `advance`. @default 400
 * @example stateStoreSuite('memory', async () => { const clock = manualClock(); const store = memoryState({ clock }); ... }, { durable: false })
 */
export const stateStoreSuite = (
  name: string,
  create: () => Promise<StateStoreHarness>,
  { durable = true, ttlMs = 400 }: { readonly durable?: boolean; readonly ttlMs?: number } = {},
): void => {
  describe(`state store ${name}`, () => {
    let harness: StateStoreHarness | undefined
    beforeEach(async () => {
      harness = await create()
    })
    afterEach(() => harness?.dispose())
    const suite: Suite = {
      ttlMs,
      current: () => {
        if (harness === undefined) throw new Error('the store was not created')
        return harness
      },
    }
    valueTests(suite)
    versionTests(suite)
    manyTests(suite)
    expiryTests(suite)
    leaseTests(suite)
    if (durable) durableTests(suite)
  })
}
