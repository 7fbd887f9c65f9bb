import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchTimes } from '../../src/consumer/batch-times.ts'

describe('the times of batches', () => {
  it('gives the time of the batch that the oldest unfinished record came with', () => {
    const times = new BatchTimes()
    times.add(0, 100, 0)
    times.add(3, 200, 0)
    times.add(5, undefined, 0)
    expect([0, 2, 3, 4, 5].map((head) => times.at(head))).toEqual([100, 100, 200, 200, undefined])
  })

  it('holds no more than unfinished batches, though nobody ever asks for a time', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ records: fc.nat(5), finished: fc.nat(8) }), { maxLength: 200 }), (steps) => {
        const times = new BatchTimes()
        const firsts: number[] = []
        let pushed = 0
        let head = 0
        for (const { records, finished } of steps) {
          times.add(pushed, pushed, head)
          firsts.push(pushed)
          expect(times.size).toBeLessThanOrEqual(firsts.filter((first) => first > head).length + 2)
          pushed += records
          head = Math.min(pushed, head + finished)
        }
      }),
    )
  })
})
