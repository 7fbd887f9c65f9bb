import { memoryState } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { describe, expect, it } from 'vitest'
import { PutBatch } from '../../src/run/put-batch.ts'
import { settled } from './harness.ts'

interface Rig {
  readonly puts: PutBatch
  /** Who was told what. */
  readonly told: string[]
  readonly deferred: (() => void)[]
  put(key: string, expected?: number | 'absent'): void
}

/** @param msPerLook time that passes with each look at the clock */
const rig = (store: StateStore, msPerLook = 0): Rig => {
  const deferred: (() => void)[] = []
  const told: string[] = []
  let now = 0
  const puts = new PutBatch(store, { clock: { monotonic: () => (now += msPerLook) }, defer: (run) => void deferred.push(run) })
  const put = (key: string, expected: number | 'absent' = 'absent'): void =>
    puts.put(key, '{}', expected, {
      written: (version) => told.push(`${key} ${version}`),
      failed: (error) => told.push(`${key} failed: ${String(error)}`),
    })
  return { puts, told, deferred, put }
}

/** A store that counts its calls, and rejects when it is told to. */
const counting = (): { readonly store: StateStore; readonly calls: number[]; broken: boolean } => {
  const memory = memoryState({ clock: manualClock() })
  const calls: number[] = []
  const made = {
    calls,
    broken: false,
    store: {
      get: (key) => memory.get(key),
      put: (key, value, expected) => memory.put(key, value, expected),
      delete: (key, expected) => memory.delete(key, expected),
      keys: (prefix) => memory.keys(prefix),
      lease: (key, ttlMs) => memory.lease(key, ttlMs),
      close: () => memory.close(),
      putMany: async (puts: Parameters<NonNullable<StateStore['putMany']>>[0]) => {
        calls.push(puts.length)
        if (made.broken) throw new Error('disk full')
        return (await memory.putMany?.(puts)) ?? []
      },
    } satisfies StateStore,
  }
  return made
}

describe('a batch of puts', () => {
  it('goes to the store in one call, and each owner hears of its own put', async () => {
    const { store, calls } = counting()
    const { put, told, deferred } = rig(store)
    put('a')
    put('b', 5)
    put('c')
    expect([calls, deferred.length]).toEqual([[], 1])
    deferred.shift()?.()
    await settled()
    expect(calls).toEqual([3])
    expect(told).toEqual(['a 1', 'b undefined', 'c 1'])
    put('a', 1)
    deferred.shift()?.()
    await settled()
    expect([calls, told.at(-1)]).toEqual([[3, 1], 'a 2'])
  })

  it('flush does not wait for the rest of the turn, and what was deferred finds nothing', async () => {
    const { store, calls } = counting()
    const { puts, put, deferred } = rig(store)
    put('a')
    puts.flush()
    deferred.shift()?.()
    await settled()
    expect(calls).toEqual([1])
  })

  it('a failure reaches every owner', async () => {
    const counted = counting()
    counted.broken = true
    const { put, told, deferred } = rig(counted.store)
    put('a')
    put('b')
    deferred.shift()?.()
    await settled()
    expect(told).toEqual(['a failed: Error: disk full', 'b failed: Error: disk full'])
  })

  it('many owners are told in parts, each once', async () => {
    const { put, told, deferred } = rig(memoryState({ clock: manualClock() }), 15)
    for (let index = 0; index < 200; index += 1) put(`k${index}`)
    deferred.shift()?.()
    await settled()
    const parts = [told.length]
    for (let next = deferred.shift(); next !== undefined; next = deferred.shift()) {
      next()
      parts.push(told.length)
    }
    expect(parts.length).toBeGreaterThan(2)
    expect(told).toEqual(Array.from({ length: 200 }, (_, index) => `k${index} 1`))
  })

  it('a store without putMany is asked one by one', async () => {
    const { putMany: _, ...single } = counting().store
    const { put, told, deferred } = rig(single)
    put('a')
    put('b', 3)
    deferred.shift()?.()
    await settled()
    expect(told.toSorted()).toEqual(['a 1', 'b undefined'])
  })
})
