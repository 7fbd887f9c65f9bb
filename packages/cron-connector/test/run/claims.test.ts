import { memoryState } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Claims } from '../../src/run/claims.ts'
import { PutBatch } from '../../src/run/put-batch.ts'
import { decodeRecord, encodeRecord } from '../../src/run/record.ts'

const load = (store: StateStore): Promise<Claims> => {
  const puts = new PutBatch(store, { clock: manualClock(), defer: queueMicrotask })
  return Claims.load(store, puts, 'x', 100, (error) => expect.unreachable(error.message))
}
const claim = (claims: Claims, ...slots: number[]): Promise<readonly number[]> =>
  new Promise((resolve, reject) =>
    claims.claim(
      slots.map((slot) => ({ slot, trigger: 'schedule', missed: 0 })),
      resolve,
      reject,
    ),
  )

describe('claims of two writers', () => {
  it('whoever is first has the slot, and what either settles stays settled', async () => {
    const store = memoryState({ clock: manualClock() })
    const [a, b] = [await load(store), await load(store)]
    expect(await claim(a, 101)).toEqual([101])
    expect(await claim(b, 101)).toEqual([])
    expect(await claim(b, 102)).toEqual([102])
    await a.settle([101])
    expect(await claim(a, 102, 103)).toEqual([103])
    await b.settle([102])
    const after = await load(store)
    expect(after.record).toEqual({ cursor: 103, open: new Map([[103, { trigger: 'schedule', missed: 0 }]]), runs: 3, suspended: false })
  })

  it('T27 random claims of two writers: every slot is granted once at most, and open is what was granted and not settled', async () => {
    const action = fc.record({
      who: fc.integer({ min: 0, max: 1 }),
      settle: fc.boolean(),
      ahead: fc.integer({ min: 0, max: 2 }),
      wait: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const store = memoryState({ clock: manualClock() })
        const writers = [await load(store), await load(store)] as const
        const held: [Set<number>, Set<number>] = [new Set(), new Set()]
        const granted: number[] = []
        let slot = 100
        const pending: Promise<unknown>[] = []
        for (const { who, settle, ahead, wait } of actions) {
          const index = who === 0 ? 0 : 1
          const [first] = held[index]
          if (settle && first !== undefined) {
            held[index].delete(first)
            pending.push(writers[index].settle([first]))
          } else {
            slot = Math.max(slot + ahead, writers[index].record.cursor + 1)
            pending.push(
              claim(writers[index], slot).then((slots) => {
                granted.push(...slots)
                for (const one of slots) held[index].add(one)
              }),
            )
          }
          if (wait) await Promise.all(pending)
        }
        await Promise.all(pending)
        expect(new Set(granted).size).toBe(granted.length)
        // A write of each brings both views to the end.
        await writers[0].save()
        const { record } = await load(store)
        expect(new Set(record.open.keys())).toEqual(new Set([...held[0], ...held[1]]))
      }),
      { numRuns: 150 },
    )
  })
})

describe('the record', () => {
  it('survives being stored', () => {
    const record = { cursor: 7, open: new Map([[5, { trigger: 'catch-up' as const, missed: 3 }]]), runs: 2, suspended: true }
    expect(decodeRecord(encodeRecord(record))).toEqual({ value: record })
  })

  it('anything else is a problem, never a throw', () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"v":2}',
      '{"v":1,"cursor":1,"runs":1,"open":[[1,"never",0]]}',
      '{"v":1,"cursor":"1","runs":1,"open":[]}',
      '\uFFFD',
    ]) {
      expect(decodeRecord(new TextEncoder().encode(text))).toHaveProperty('problem')
    }
  })
})
