import { describe, expect, it } from 'vitest'
import { nextRuns } from '@millrace/cron-connector'
import type { NextRunsOptions } from '@millrace/cron-connector'

const runs = (schedule: string, from: string, count: number, options: NextRunsOptions = {}): string[] =>
  nextRuns(schedule, { ...options, from: new Date(from), count }).map((date) => date.toISOString().replace(':00.000Z', 'Z'))

const newYork = { timezone: 'America/New_York' } as const

describe('T27 DST policies', () => {
  it('skip leaves the gap out and still runs the repeated hour once', () => {
    expect(runs('30 2 * * *', '2026-03-07T12:00Z', 1, { ...newYork, dst: 'skip' })).toEqual(['2026-03-09T06:30Z'])
    expect(runs('30 1 * * *', '2026-10-31T12:00Z', 2, { ...newYork, dst: 'skip' })).toEqual(['2026-11-01T05:30Z', '2026-11-02T06:30Z'])
  })

  it('shift moves each run of the gap by its length and merges it with real slots', () => {
    expect(runs('30 2 * * *', '2026-03-07T12:00Z', 2, { ...newYork, dst: 'shift' })).toEqual(['2026-03-08T07:30Z', '2026-03-09T06:30Z'])
    expect(runs('15,45 2,3 * * *', '2026-03-08T06:59Z', 3, { ...newYork, dst: 'shift' })).toEqual([
      '2026-03-08T07:15Z',
      '2026-03-08T07:45Z',
      '2026-03-09T06:15Z',
    ])
    expect(runs('10,20 2 * * *', '2026-03-08T07:10Z', 2, { ...newYork, dst: 'shift' })).toEqual(['2026-03-08T07:20Z', '2026-03-09T06:10Z'])
    expect(runs('15 2,3 * * *', '2026-03-08T06:00Z', 2, { ...newYork, dst: 'shift' })).toEqual(['2026-03-08T07:15Z', '2026-03-09T06:15Z'])
  })

  it('vixie collapses several slots of the gap into one, also when the walk starts just before it', () => {
    expect(runs('0,15,30 2 * * *', '2026-03-08T06:00Z', 2, newYork)).toEqual(['2026-03-08T07:00Z', '2026-03-09T06:00Z'])
    expect(runs('0,15,30 2 * * *', '2026-03-08T06:59:59.500Z', 1, newYork)).toEqual(['2026-03-08T07:00Z'])
    expect(runs('0,15,30 2 * * *', '2026-03-08T07:00:00Z', 1, newYork)).toEqual(['2026-03-09T06:00Z'])
  })

  it('lists and ranges are fixed, and silent in the second pass even when the walk starts in it', () => {
    expect(runs('0,30 0-3 * * *', '2026-11-01T05:00Z', 3, newYork)).toEqual(['2026-11-01T05:30Z', '2026-11-01T07:00Z', '2026-11-01T07:30Z'])
    expect(runs('30 1 * * *', '2026-11-01T06:05Z', 1, newYork)).toEqual(['2026-11-02T06:30Z'])
  })

  it('loses nothing where the repeated hour crosses midnight', () => {
    const stJohns = { timezone: 'America/St_Johns' } as const
    expect(runs('30 23 * * *', '2010-11-06T12:00Z', 2, stJohns)).toEqual(['2010-11-07T02:00Z', '2010-11-08T03:00Z'])
    expect(runs('15 0 * * *', '2010-11-07T02:00Z', 2, stJohns)).toEqual(['2010-11-07T03:45Z', '2010-11-08T03:45Z'])
  })

  it('every and rate count from the epoch, through a change of the offset', () => {
    expect(runs('@every 45m', '2026-03-08T06:00Z', 3, newYork)).toEqual(['2026-03-08T06:45Z', '2026-03-08T07:30Z', '2026-03-08T08:15Z'])
    expect(runs('rate(2 hours)', '2026-03-08T06:30Z', 2, newYork)).toEqual(['2026-03-08T08:00Z', '2026-03-08T10:00Z'])
  })

  it('year 2038, December to January and leap days', () => {
    expect(runs('14 3 19 1 *', '2037-06-01T00:00Z', 1)).toEqual(['2038-01-19T03:14Z'])
    expect(runs('0 2 * * *', '2039-03-12T12:00Z', 1, newYork)).toEqual(['2039-03-13T07:00Z'])
    expect(runs('59 23 31 12 *', '2026-12-31T23:59Z', 1)).toEqual(['2027-12-31T23:59Z'])
    expect(runs('0 0 29 2 *', '2026-01-01T00:00Z', 2)).toEqual(['2028-02-29T00:00Z', '2032-02-29T00:00Z'])
    expect(runs('0 0 29 2 *', '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T00:00Z'])
    expect(runs('0 0 29 2 1', '2026-03-01T00:00Z', 1, { dayMatch: 'and' })).toEqual(['2044-02-29T00:00Z'])
  })
})

describe('day rules', () => {
  it('two restricted day fields: or by default, and on request', () => {
    expect(runs('0 0 13 * 5', '2026-11-01T00:00Z', 3)).toEqual(['2026-11-06T00:00Z', '2026-11-13T00:00Z', '2026-11-20T00:00Z'])
    expect(runs('0 0 13 * 5', '2026-11-01T00:00Z', 2, { dayMatch: 'and' })).toEqual(['2026-11-13T00:00Z', '2027-08-13T00:00Z'])
  })

  it('a star, a question mark and a step of one keep the star bit', () => {
    for (const day of ['*', '?', '*/1', '1,*'])
      expect(runs(`0 0 ${day} * 1`, '2026-11-23T12:00Z', 2)).toEqual(['2026-11-30T00:00Z', '2026-12-07T00:00Z'])
    for (const week of ['*', '?', '*/1'])
      expect(runs(`0 0 5 * ${week}`, '2026-11-23T12:00Z', 2)).toEqual(['2026-12-05T00:00Z', '2027-01-05T00:00Z'])
  })

  it('an impossible day of month still runs on the weekday', () => {
    expect(runs('0 0 30 2 1', '2026-01-15T00:00Z', 2)).toEqual(['2026-02-02T00:00Z', '2026-02-09T00:00Z'])
  })

  it('L, L-n, W, LW, nL and n#k', () => {
    expect(runs('0 0 L * *', '2026-01-31T12:00Z', 2)).toEqual(['2026-02-28T00:00Z', '2026-03-31T00:00Z'])
    expect(runs('0 0 L-3 * *', '2026-01-31T12:00Z', 1)).toEqual(['2026-02-25T00:00Z'])
    // 15 August 2026 is a Saturday, 15 November a Sunday; 1 August is a Saturday, 31 May a Sunday.
    expect(runs('0 0 15W 8,11 *', '2026-08-01T00:00Z', 2)).toEqual(['2026-08-14T00:00Z', '2026-11-16T00:00Z'])
    expect(runs('0 0 1W 8 *', '2026-07-20T00:00Z', 1)).toEqual(['2026-08-03T00:00Z'])
    expect(runs('0 0 31W 5 *', '2026-05-01T00:00Z', 1)).toEqual(['2026-05-29T00:00Z'])
    expect(runs('0 0 31W * *', '2026-01-31T00:00Z', 2)).toEqual(['2026-03-31T00:00Z', '2026-05-29T00:00Z'])
    expect(runs('0 0 LW * *', '2026-02-01T00:00Z', 1)).toEqual(['2026-02-27T00:00Z'])
    expect(runs('0 0 * * 5L', '2026-11-01T00:00Z', 2)).toEqual(['2026-11-27T00:00Z', '2026-12-25T00:00Z'])
    expect(runs('0 0 * * mon#3', '2026-11-01T00:00Z', 2)).toEqual(['2026-11-16T00:00Z', '2026-12-21T00:00Z'])
    expect(runs('0 0 * * 7#5', '2026-11-01T00:00Z', 1)).toEqual(['2026-11-29T00:00Z'])
  })
})

describe('several schedules', () => {
  it('are merged in order, each with its own zone, each instant once', () => {
    expect(runs('0 9 * * 1-5; CRON_TZ=Asia/Tokyo 0 9 * * *;', '2026-11-25T00:00Z', 3)).toEqual([
      '2026-11-25T09:00Z',
      '2026-11-26T00:00Z',
      '2026-11-26T09:00Z',
    ])
    expect(runs('0 * * * *; */30 * * * *', '2026-11-25T00:00Z', 3)).toEqual(['2026-11-25T00:30Z', '2026-11-25T01:00Z', '2026-11-25T01:30Z'])
  })
})
