import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bigOffsetWindow, offsetWindow } from '../../../src/core/window/offset-window.ts'

describe('offsetWindow', () => {
  it('commits the oldest incomplete offset, then what was read through', () => {
    const window = offsetWindow()
    expect([window.commitPoint, window.span]).toEqual([undefined, 0])
    expect(window.ingest([10, 12, 13], 20)).toBe(0)
    expect([window.commitPoint, window.span, window.incomplete]).toEqual([10, 3, 3])
    window.complete(1)
    expect([window.commitPoint, window.span, window.incomplete]).toEqual([10, 3, 2])
    window.complete(0)
    expect([window.commitPoint, window.span]).toEqual([13, 1])
    window.complete(2)
    expect([window.commitPoint, window.span, window.incomplete]).toEqual([20, 0, 0])
    window.advance(25)
    window.advance(22)
    expect(window.commitPoint).toBe(25)
  })

  it('takes a completion once, and none that it never gave out', () => {
    const window = offsetWindow()
    const first = window.push(0, 1)
    window.push(1, 2)
    expect([window.complete(first), window.complete(first)]).toEqual([true, false])
    for (const seq of [2, -1, 0.5, Number.NaN]) expect(() => window.complete(seq)).toThrow('sequence number')
    expect(window.commitPoint).toBe(1)
  })

  it('refuses offsets that go back or lose digits, and takes nothing of such a batch', () => {
    const window = offsetWindow()
    window.push(5, 6)
    expect(() => window.push(5, 6)).toThrow('below what was read through')
    expect(() => window.ingest([6, 8, 7], 9)).toThrow('not above the one before')
    expect(() => window.ingest([5], 9)).toThrow('not above the one before')
    expect(() => window.ingest([6, 8], 8)).toThrow('through 8')
    expect(() => window.push(2 ** 53, 2 ** 53 + 2)).toThrow('bigOffsetWindow')
    expect(() => window.push(Number.NaN, 1)).toThrow('safe integer')
    expect([window.span, window.push(6, 7)]).toEqual([1, 1])
    window.advance(10)
    expect(() => window.push(9, 11)).toThrow('below what was read through')
  })

  it('keeps 64-bit offsets exact', () => {
    const window = bigOffsetWindow(2)
    const big = 2n ** 62n
    window.ingest([big, big + 1n, big + 3n], big + 4n)
    window.complete(0)
    window.complete(2)
    expect(window.commitPoint).toBe(big + 1n)
    expect(window.completedRuns(9)).toEqual([{ from: big + 3n, through: big + 4n }])
  })

  it('limits the runs', () => {
    const window = offsetWindow()
    window.ingest([0, 1, 2, 3, 4, 5], 6)
    for (const seq of [1, 3, 5]) window.complete(seq)
    expect(window.completedRuns(0)).toEqual([])
    expect(window.completedRuns(2)).toEqual([
      { from: 1, through: 2 },
      { from: 3, through: 4 },
    ])
    expect(window.completedRuns(9)).toHaveLength(3)
  })

  /** Arrivals with gaps, interleaved with completions in any order. */
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('ingest' as const), gaps: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }) }),
      fc.record({ kind: fc.constant('complete' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('complete' as const), pick: fc.nat() }),
      fc.record({ kind: fc.constant('advance' as const), by: fc.nat(3) }),
    ),
    { maxLength: 150 },
  )

  it('for every order of completion, the commit point is the longest completed prefix', () => {
    fc.assert(
      fc.property(steps, (plan) => {
        const window = offsetWindow(2)
        const model: { offset: number; done: boolean }[] = []
        let through: number | undefined
        let before = -1
        const answers: (readonly [actual: number | boolean, expected: number | boolean])[] = []
        for (const step of plan) {
          if (step.kind === 'ingest') {
            const offsets = step.gaps.map((gap, i) => (through ?? 0) + step.gaps.slice(0, i).reduce((a, b) => a + b, 0) + gap - 1)
            through = (offsets.at(-1) ?? through ?? 0) + 1
            answers.push([window.ingest(offsets, through), model.length])
            model.push(...offsets.map((offset) => ({ offset, done: false })))
          } else if (step.kind === 'advance') {
            through = (through ?? 0) + step.by
            window.advance(through)
          } else if (model.length > 0) {
            const seq = step.pick % model.length
            const event = model[seq] as { done: boolean }
            answers.push([window.complete(seq), !event.done])
            event.done = true
          }
          for (const [actual, expected] of answers.splice(0)) expect(actual).toBe(expected)
          const head = model.findIndex((event) => !event.done)
          expect(window.commitPoint).toBe(head < 0 ? through : model[head]?.offset)
          expect(window.span).toBe(head < 0 ? 0 : model.length - head)
          expect(window.incomplete).toBe(model.filter((event) => !event.done).length)
          expect(window.commitPoint ?? -1).toBeGreaterThanOrEqual(before)
          before = window.commitPoint ?? -1
          const above = new Set(model.slice(Math.max(head, 0)).flatMap((event) => (head >= 0 && event.done ? [event.offset] : [])))
          const runs = window.completedRuns(Number.POSITIVE_INFINITY)
          for (const { offset } of model.slice(head < 0 ? model.length : head)) {
            expect(runs.some((run) => run.from <= offset && offset < run.through)).toBe(above.has(offset))
          }
          for (let i = 1; i < runs.length; i++) expect(runs[i - 1]?.through).toBeLessThan(runs[i]?.from ?? 0)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes a million events at a bounded span without growing', () => {
    const window = offsetWindow(64)
    for (let offset = 0; offset < 1_000_000; offset++) {
      const seq = window.push(offset, offset + 1)
      if (seq >= 50) window.complete(seq - 50)
    }
    expect([window.span, window.commitPoint]).toEqual([50, 999_950])
  })
})
