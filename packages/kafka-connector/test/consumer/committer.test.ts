import { MillraceError } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Committer } from '../../src/consumer/committer.ts'
import { Partition } from '../../src/consumer/partition.ts'
import type { CommitItem } from '../../src/driver/driver.ts'

/** A partition with `count` records in hand, and the way to end them one by one. */
const loaded = (
  partition: number,
  count: number,
  onCompleted: () => void,
): { readonly partition: Partition; readonly ends: (() => void)[] } => {
  const ends: (() => void)[] = []
  const at = { topic: 't', partition }
  const made = new Partition(at, {
    emit: (_record, seq) => ends.push(() => made.complete(seq)),
    onFlow: () => {},
    onCompleted,
    onFenced: () => {},
    onGap: () => {},
  })
  made.start({ offset: 0, done: [], committed: true })
  const records = Array.from({ length: count }, (_, offset) => ({ ...at, offset, key: undefined, value: undefined, headers: [] }))
  made.ingest({ ...at, from: 0, records, through: count, highWatermark: count })
  return { partition: made, ends }
}

const bench = (count: number, everyCompletions = 1000) => {
  const clock = manualClock()
  const sent: (readonly CommitItem[])[] = []
  const open: { resolve(): void; reject(error: Error): void }[] = []
  const parts = [0, 1].map((id) => loaded(id, count, () => committer.completed()))
  const committer: Committer = new Committer({
    clock,
    intervalMs: 1000,
    everyCompletions,
    partitions: () => parts.map(({ partition }) => partition),
    commit: (items) => {
      expect(open.length).toBe(0)
      sent.push(items)
      return new Promise<void>((resolve, reject) => {
        const entry = { resolve: () => (open.splice(0), resolve()), reject: (error: Error) => (open.splice(0), reject(error)) }
        open.push(entry)
      })
    },
  })
  return { clock, sent, open, parts, committer }
}

const failure = (): MillraceError => new MillraceError('E_KAFKA_COMMIT', { group: 'g', brokers: 'b', reason: 'planted' })

describe('the committer', () => {
  it('sends one commit for all partitions that moved, a second after the first move', async () => {
    const { clock, sent, open, parts } = bench(5)
    for (const { ends } of parts) ends[0]?.()
    expect(sent).toEqual([])
    await clock.advanceAsync(1000)
    expect(sent).toEqual([
      [
        { topic: 't', partition: 0, offset: 1, metadata: '' },
        { topic: 't', partition: 1, offset: 1, metadata: '' },
      ],
    ])
    open[0]?.resolve()
    await clock.advanceAsync(5000)
    expect(sent.length).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('does not wait for the timer after many completions', async () => {
    const { sent, parts } = bench(5, 3)
    for (const end of parts[0]?.ends.slice(0, 3) ?? []) end()
    expect(sent).toEqual([[{ topic: 't', partition: 0, offset: 3, metadata: '' }]])
  })

  it('tries a failed commit again by the timer alone', async () => {
    const { clock, sent, open, parts } = bench(5, 1)
    parts[0]?.ends[0]?.()
    open[0]?.reject(failure())
    await clock.advanceAsync(0)
    parts[0]?.ends[1]?.()
    expect(sent.length).toBe(1)
    await clock.advanceAsync(1000)
    expect(sent.at(-1)).toEqual([{ topic: 't', partition: 0, offset: 2, metadata: '' }])
    open[0]?.resolve()
    await clock.advanceAsync(2000)
    expect(sent.length).toBe(2)
  })

  it('is never on its way twice, never moves back, and commits all of it in the end, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.nat(19).map((n) => ({ end: n })),
            fc.constantFrom('tick' as const, 'ok' as const, 'fail' as const, 'flush' as const),
          ),
          { maxLength: 60 },
        ),
        async (script) => {
          const { clock, sent, open, parts, committer } = bench(10, 4)
          const ends = parts.flatMap((part) => part.ends)
          const stored = [0, 0]
          const settle = (good: boolean): void => {
            if (open[0] === undefined) return
            if (!good) return open[0].reject(failure())
            for (const { partition, offset } of sent.at(-1) ?? []) {
              expect(offset).toBeGreaterThanOrEqual(stored[partition] ?? 0)
              stored[partition] = offset
            }
            open[0].resolve()
          }
          for (const step of script) {
            if (step === 'tick') await clock.advanceAsync(600)
            else if (step === 'ok' || step === 'fail') settle(step === 'ok')
            else if (step === 'flush') void committer.flush()
            else ends[step.end]?.()
            await clock.advanceAsync(0)
          }
          for (const end of ends) end()
          for (let i = 0; i < 6; i += 1) {
            settle(true)
            await clock.advanceAsync(1000)
          }
          expect(stored).toEqual([10, 10])
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 200 },
    )
  })
})
