import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExpiryIndex } from '../../../src/ports/state/expiry.ts'
import { fileState } from '../../../src/ports/state/file-store.ts'
import { memoryState } from '../../../src/ports/state/memory-store.ts'
import { StateTable } from '../../../src/ports/state/state-table.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { tempFolders } from '../journal/temp-folder.ts'

const folder = tempFolders()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly ttlMs: number | undefined }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'wait'; readonly ms: number }

const key = fc.constantFrom('a', 'b', 'c', 'd')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, ttlMs: fc.option(fc.nat(60_000), { nil: undefined }) }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  // Also back: a wall clock may step.
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: -3000, max: 30_000 }) }),
)

describe('values that expire', () => {
  test('what is swept has expired, what has expired is never seen, and the table is empty once all has', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new StateTable()
        const model = new Map<string, number>()
        let now = 1_000_000
        for (const { kind, ...rest } of steps) {
          const { key: name = '', ttlMs, ms = 0 } = rest as { readonly key?: string; readonly ttlMs?: number; readonly ms?: number }
          if (kind === 'wait') now += ms
          else if (kind === 'delete') {
            table.apply({ kind, key: name })
            model.delete(name)
          } else {
            const expiresAt = ttlMs === undefined ? undefined : now + ttlMs
            const entry = { value: 'v', version: 1, ...(expiresAt !== undefined && { expiresAt }) }
            table.apply({ kind, key: name, entry })
            model.set(name, expiresAt ?? Number.POSITIVE_INFINITY)
          }
          table.sweep(now)
          const live = [...model].filter(([, until]) => until > now).map(([name_]) => name_)
          // A clock that was set back may find gone what was swept before; never the other way round.
          expect(live).toEqual(expect.arrayContaining([...table.keys('', now)]))
          for (const name_ of model.keys()) if ((model.get(name_) ?? 0) <= now) expect(table.get(name_, now)).toBeUndefined()
          for (const [name_, until] of model) if (until === Number.POSITIVE_INFINITY) expect(table.get(name_, now)).toBeDefined()
        }
        for (const [name_, until] of model) if (until === Number.POSITIVE_INFINITY) table.apply({ kind: 'delete', key: name_ })
        table.sweep(now + 1_000_000)
        expect(table.bytes).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test('each key is given once, after its time', () => {
    const index = new ExpiryIndex()
    index.add('a', 12_000)
    index.add('b', 12_001)
    index.add('c', 40_000)
    index.remove('b', 12_001)
    expect(index.due(12_000)).toEqual([])
    expect(index.due(20_000)).toEqual(['a'])
    expect(index.due(20_001)).toEqual([])
    expect(index.due(1_000_000)).toEqual(['c'])
  })

  const stores = {
    memory: (maxBytes: number, clock: ReturnType<typeof manualClock>) => Promise.resolve(memoryState({ clock, maxBytes })),
    file: async (maxBytes: number, clock: ReturnType<typeof manualClock>) => fileState({ clock, maxBytes, directory: await folder() }),
  }
  test.each(Object.entries(stores))('%s: marks leave room for cursors, and make room for each other', async (_, open) => {
    const clock = manualClock()
    const store = await open(10_000, clock)
    let marks = 0
    const fill = async (): Promise<unknown> => {
      for (;;) {
        const put = await store.put(`mark-${marks}`, bytes('x'.repeat(100)), 'absent', undefined, 60_000).catch((error: unknown) => error)
        if (typeof put !== 'number') return put
        marks++
      }
    }
    expect(await fill()).toMatchObject({ code: 'E_STATE_LIMIT', message: expect.stringContaining('time to live') as string })
    const first = marks
    expect(first).toBeGreaterThan(30)
    expect(await store.put('cursor', bytes('x'.repeat(1500)), 'absent')).toBe(1)
    await expect(store.put('too much', bytes('x'.repeat(2500)), 'absent')).rejects.toMatchObject({ code: 'E_STATE_LIMIT' })
    expect(await store.put('cursor', bytes('x'), 1)).toBe(2)
    await clock.advanceAsync(70_000)
    await fill()
    expect(marks).toBeGreaterThanOrEqual(2 * first - 2)
    expect(await store.get('cursor')).toEqual({ value: bytes('x'), version: 2 })
    await store.close()
  })
})
