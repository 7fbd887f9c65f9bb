import { describe, expect, it } from 'vitest'
import { encodeRuns } from '../../src/consumer/completed-runs.ts'
import { decideStart } from '../../src/consumer/start-position.ts'

const range = { low: 10, high: 50 }
const rules = { initialOffset: 'oldest', outOfRange: 'earliest' } as const
const lost = (offset: number, fetchedTo: number) => ({
  position: { offset, done: [{ from: offset + 2, through: offset + 4 }], committed: true },
  fetchedTo,
})
const at = (offset: number, metadata = '') => ({ offset, metadata })

describe('where a partition begins', () => {
  it.each([
    ['oldest', 10],
    ['newest', 50],
  ] as const)('without a position, at the %s', (initialOffset, offset) => {
    expect(decideStart(at(-1), range, { ...rules, initialOffset }, undefined)).toEqual({
      kind: 'start',
      position: { offset, done: [], committed: false },
      alert: false,
    })
  })

  it('at the committed position, with what is finished above it', () => {
    const runs = [{ from: 22, through: 30 }]
    expect(decideStart(at(20, encodeRuns(20, runs)), range, rules, undefined)).toEqual({
      kind: 'start',
      position: { offset: 20, done: runs, committed: true },
      alert: false,
    })
  })

  it('without what metadata says of offsets that the log does not have: it was cut', () => {
    const decided = decideStart(at(20, encodeRuns(20, [{ from: 45, through: 60 }])), range, rules, undefined)
    expect(decided).toMatchObject({ position: { done: [] } })
  })

  it.each([
    ['retention went past it', at(5), undefined],
    ['it lies behind the end', at(51), undefined],
    ['kafkajs has committed -2', at(-2), undefined],
    ['the topic was made anew, and its positions with it', at(-1), lost(120, 130)],
    ['it ends before what was asked for: it may be another log under the same name', at(-2), lost(20, 51)],
    ['retention went past what is not finished', at(-2), lost(9, 20)],
    ['nothing is known of what was asked for', at(-1), { position: undefined, fetchedTo: 20 }],
  ])('by the policy when %s', (_what, committed, lost) => {
    const newest = { ...rules, initialOffset: 'newest' } as const
    expect(decideStart(committed, range, newest, lost)).toMatchObject({ position: { offset: 10, committed: false }, alert: true })
    expect(decideStart(committed, range, { ...newest, outOfRange: 'latest' }, lost)).toMatchObject({
      position: { offset: 50 },
      alert: true,
    })
    expect(decideStart(committed, range, { ...newest, outOfRange: 'fail' }, lost)).toEqual({ kind: 'fail' })
  })

  it('where it stood when the log has what was refused, and that is committed again', () => {
    for (const outOfRange of ['earliest', 'latest', 'fail'] as const) {
      expect(decideStart(at(-2), range, { ...rules, outOfRange }, lost(20, 50))).toEqual({
        kind: 'start',
        position: { offset: 20, done: [{ from: 22, through: 24 }], committed: false },
        alert: false,
      })
    }
  })
})
