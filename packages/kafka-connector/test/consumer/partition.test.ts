import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRuns, encodeRuns } from '../../src/consumer/completed-runs.ts'
import { Partition, startAt } from '../../src/consumer/partition.ts'
import type { DriverRecord } from '../../src/driver/driver.ts'

const at = { topic: 't', partition: 0 }
const record = (offset: number): DriverRecord => ({ ...at, offset, timestamp: offset * 10, key: undefined, value: undefined, headers: [] })
const batch = (offsets: readonly number[], through: number, from: number = 0) => ({
  ...at,
  from,
  records: offsets.map(record),
  through,
  highWatermark: through,
})

interface Bench {
  readonly partition: Partition
  readonly emitted: number[]
  readonly complete: Map<number, () => void>
  /** Where reading was told to go back to. */
  readonly gaps: number[]
  flows: number
  fenced: number
}

const bench = (onEmit?: (self: Bench, offset: number) => void): Bench => {
  const emitted: number[] = []
  const complete = new Map<number, () => void>()
  const self: Bench = {
    emitted,
    complete,
    gaps: [],
    flows: 0,
    fenced: 0,
    partition: new Partition(at, {
      emit: ({ offset }, seq) => {
        emitted.push(offset)
        complete.set(offset, () => self.partition.complete(seq))
        onEmit?.(self, offset)
      },
      onFlow: () => (self.flows += 1),
      onCompleted: () => {},
      onFenced: () => (self.fenced += 1),
      onGap: (offset) => self.gaps.push(offset),
    }),
  }
  return self
}

/** Rising offsets with gaps. */
const log = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }).map((steps) => {
  let offset = 100
  return steps.map((step) => (offset += step))
})

describe('a partition', () => {
  it('commits the longest finished prefix, whatever the order in which records end', () => {
    fc.assert(
      fc.property(log, fc.infiniteStream(fc.nat()), (offsets, random) => {
        const { partition, emitted, complete } = bench()
        partition.start({ offset: 100, done: [], committed: true })
        const through = (offsets.at(-1) as number) + 1
        expect(partition.ingest(batch(offsets, through))).toBe(true)
        expect(emitted).toEqual(offsets)
        const left = [...offsets]
        while (left.length > 0) {
          const [offset] = left.splice((random.next().value ?? 0) % left.length, 1)
          complete.get(offset as number)?.()
          const item = partition.dirty()
          expect(item?.offset).toBe(left[0] ?? through)
          // What the metadata says is finished, and nothing else.
          const runs = decodeRuns(item?.offset ?? 0, item?.metadata ?? '')
          const done = offsets.filter((one) => runs.some(({ from, through: end }) => from <= one && one < end))
          expect(done).toEqual(offsets.filter((one) => one > (item?.offset ?? 0) && !left.includes(one)))
        }
      }),
    )
  })

  it('runs no record again that its metadata names, and every other one', () => {
    fc.assert(
      fc.property(log, fc.func(fc.boolean()), (offsets, chosen) => {
        const first = bench()
        first.partition.start({ offset: 100, done: [], committed: true })
        const through = (offsets.at(-1) as number) + 1
        first.partition.ingest(batch(offsets, through))
        const done = offsets.filter((offset) => chosen(offset))
        for (const offset of done) first.complete.get(offset)?.()
        const item = first.partition.dirty() ?? { offset: 100, metadata: '' }
        const second = bench()
        second.partition.start(startAt(item.offset, item.metadata, through))
        second.partition.ingest(
          batch(
            offsets.filter((offset) => offset >= item.offset),
            through,
          ),
        )
        expect(second.emitted).toEqual(offsets.filter((offset) => offset >= item.offset && !done.includes(offset)))
        for (const finish of second.complete.values()) finish()
        expect(second.partition.position()?.offset).toBe(through)
      }),
    )
  })

  it('keeps what an earlier owner finished in its own metadata before it has been read again', () => {
    const { partition, complete } = bench()
    partition.start(
      startAt(
        10,
        encodeRuns(10, [
          { from: 12, through: 15 },
          { from: 20, through: 30 },
        ]),
        50,
      ),
    )
    partition.ingest(batch([10, 11, 12], 13))
    complete.get(10)?.()
    expect(decodeRuns(11, partition.dirty()?.metadata ?? '')).toEqual([
      { from: 12, through: 13 },
      { from: 13, through: 15 },
      { from: 20, through: 30 },
    ])
  })

  it('hands over nothing while it is on hold, and what waits once it is released', () => {
    fc.assert(
      fc.property(log, fc.array(fc.boolean(), { maxLength: 80 }), (offsets, stops) => {
        let turn = 0
        const self = bench(({ partition }) => {
          if (stops[turn++] === true) partition.hold('full')
        })
        const { partition, emitted } = self
        partition.start({ offset: 0, done: [], committed: true })
        partition.ingest(batch(offsets, (offsets.at(-1) as number) + 1))
        for (let guard = 0; partition.held('full') && guard < 100; guard += 1) {
          const before = emitted.length
          expect(partition.flows).toBe(false)
          // More of what is on its way is not taken: it would be handed over out of its order.
          if (before < offsets.length) expect(partition.ingest(batch([9999], 10_000))).toBe(false)
          expect(emitted.length).toBe(before)
          partition.release('full')
        }
        expect(emitted).toEqual(offsets)
      }),
    )
  })

  it('takes nothing before it has a position, nor while frozen', () => {
    const { partition, emitted } = bench()
    expect(partition.ingest(batch([1], 2))).toBe(false)
    partition.start({ offset: 0, done: [], committed: true })
    partition.hold('frozen')
    expect(partition.ingest(batch([1], 2))).toBe(false)
    expect(emitted).toEqual([])
  })

  it('moves over markers once what lies before them has ended', () => {
    const { partition, complete } = bench()
    partition.start({ offset: 0, done: [], committed: true })
    partition.ingest(batch([0, 1], 3))
    partition.skipTo(3, 7)
    complete.get(1)?.()
    expect(partition.position()?.offset).toBe(0)
    complete.get(0)?.()
    expect(partition.dirty()).toMatchObject({ offset: 7, metadata: '' })
  })

  it('takes nothing that begins above its position, and has it read from there', () => {
    const { partition, emitted, gaps } = bench()
    partition.start({ offset: 5, done: [], committed: true })
    expect(partition.ingest(batch([20, 21], 22, 20))).toBe(false)
    expect([emitted, gaps, partition.fetchedTo]).toEqual([[], [5], 5])
    // From the position, though nothing lies in the log before 20.
    expect(partition.ingest(batch([20, 21], 22, 5))).toBe(true)
    expect(partition.ingest(batch([10, 22], 23, 3))).toBe(true)
    expect([emitted, gaps, partition.fetchedTo]).toEqual([[20, 21, 22], [5], 23])
  })

  it('moves over markers that begin above its position only when they come again', () => {
    const { partition, emitted, gaps } = bench()
    partition.start({ offset: 5, done: [], committed: true })
    partition.skipTo(20, 30)
    expect([gaps, partition.position()?.offset]).toEqual([[5], 5])
    // They were of another assignment: here is what lies between.
    expect(partition.ingest(batch([5, 6], 7, 5))).toBe(true)
    partition.skipTo(20, 30)
    partition.skipTo(20, 30)
    expect([emitted, gaps, partition.fetchedTo]).toEqual([[5, 6], [5, 7], 30])
  })

  it('fences results that come after it was closed', () => {
    const self = bench()
    self.partition.start({ offset: 0, done: [], committed: true })
    self.partition.ingest(batch([0], 1))
    self.partition.close()
    self.complete.get(0)?.()
    expect(self.fenced).toBe(1)
    expect(self.partition.dirty()).toBeUndefined()
  })

  it('knows how old its oldest open record is, and its lag', () => {
    const { partition, complete } = bench()
    partition.start({ offset: 0, done: [], committed: true })
    partition.ingest(batch([0, 1], 2))
    partition.ingest(batch([2, 3], 4))
    expect([partition.oldestAt, partition.lag]).toEqual([0, 4])
    complete.get(0)?.()
    complete.get(1)?.()
    partition.committed(2)
    expect([partition.oldestAt, partition.lag]).toEqual([20, 2])
    complete.get(2)?.()
    complete.get(3)?.()
    expect(partition.oldestAt).toBeUndefined()
  })
})

describe('completed runs', () => {
  const runs = fc.array(fc.tuple(fc.nat(5000), fc.integer({ min: 1, max: 5000 })), { maxLength: 3000 }).map((parts) => {
    let end = 77
    return parts.map(([gap, length]) => {
      const from = end + gap
      end = from + length
      return { from, through: end }
    })
  })

  it('come back as they were, or a beginning of them that fits', () => {
    fc.assert(
      fc.property(runs, (given) => {
        const text = encodeRuns(77, given)
        expect(text.length).toBeLessThanOrEqual(3072)
        const back = decodeRuns(77, text)
        expect(back).toEqual(given.slice(0, back.length))
        if (given.length < 300) expect(back.length).toBe(given.length)
      }),
      { numRuns: 50 },
    )
  })

  it('are none in what somebody else has written', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        expect(decodeRuns(5, `m1:${text}`).every(({ from, through }) => from >= 5 && through > from)).toBe(true)
        expect(decodeRuns(5, text.replace(/^m1:/, ''))).toEqual([])
      }),
    )
  })
})

describe('a batch that is handed over in slices', () => {
  const sliced = (onEmit?: (partition: Partition, offset: number) => void) => {
    const emitted: number[] = []
    const later: (() => void)[] = []
    const fetches: boolean[] = []
    const partition: Partition = new Partition(at, {
      emit: ({ offset }) => {
        emitted.push(offset)
        onEmit?.(partition, offset)
      },
      onFlow: () => fetches.push(partition.flows),
      onCompleted: () => {},
      onFenced: () => {},
      onGap: () => {},
      soon: (run) => later.push(run),
    })
    partition.start({ offset: 0, done: [], committed: true })
    const turn = (): boolean => {
      const run = later.shift()
      run?.()
      return run !== undefined
    }
    return { partition, emitted, fetches, turn }
  }
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

  it('lets the event loop have its turns, and keeps the order', () => {
    const { partition, emitted, turn } = sliced()
    partition.ingest(batch(range(0, 1000), 1000))
    expect(emitted.length).toBeLessThan(200)
    let turns = 0
    while (turn()) turns += 1
    expect(turns).toBeGreaterThan(4)
    expect(emitted).toEqual(range(0, 1000))
  })

  it('takes one more batch meanwhile and then asks for no more until both are handed over', () => {
    const { partition, emitted, fetches, turn } = sliced()
    partition.ingest(batch(range(0, 500), 500))
    expect(partition.flows).toBe(true)
    expect(partition.ingest(batch(range(500, 900), 900))).toBe(true)
    expect(fetches.at(-1)).toBe(false)
    expect(partition.ingest(batch(range(900, 950), 950))).toBe(false)
    while (turn());
    expect(emitted).toEqual(range(0, 900))
    expect(fetches.at(-1)).toBe(true)
    expect(partition.ingest(batch(range(900, 950), 950))).toBe(true)
    while (turn());
    expect(emitted).toEqual(range(0, 950))
  })

  it('stops in the middle of a slice when it is full, says that nothing more should be fetched, and goes on', () => {
    for (const last of [20, 200]) {
      const { partition, emitted, fetches, turn } = sliced((self, offset) => offset === last && self.hold('full'))
      partition.ingest(batch(range(0, 500), 500))
      while (turn());
      expect(emitted).toEqual(range(0, last + 1))
      expect(fetches.at(-1)).toBe(false)
      expect(partition.ingest(batch(range(500, 600), 600))).toBe(false)
      partition.release('full')
      while (turn());
      expect(emitted).toEqual(range(0, 500))
      expect(fetches.at(-1)).toBe(true)
    }
  })

  it('hands nothing over after a close', () => {
    const { partition, emitted, turn } = sliced()
    partition.ingest(batch(range(0, 500), 500))
    const before = emitted.length
    partition.close()
    while (turn());
    expect(emitted.length).toBe(before)
  })
})
