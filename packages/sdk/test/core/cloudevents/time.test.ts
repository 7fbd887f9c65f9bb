import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseTime } from '../../../src/core/cloudevents/time.ts'

test('reads every time that JavaScript writes', () => {
  const dates = fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  fc.assert(
    fc.property(dates, (date) => {
      expect(parseTime(date.toISOString())).toBe(date.getTime())
    }),
  )
})

test.each([
  ['2026-11-25T16:49:45Z', '2026-11-25T16:49:45.000Z'],
  ['2026-11-25t16:49:45.1239z', '2026-11-25T16:49:45.123Z'],
  ['2026-11-25T16:49:45+01:30', '2026-11-25T15:19:45.000Z'],
  ['2026-11-25T23:30:00-01:00', '2026-11-26T00:30:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
])('%s is %s', (text, iso) => {
  expect(new Date(parseTime(text) ?? Number.NaN).toISOString()).toBe(iso)
})

test.each([
  '',
  'now',
  '2026-11-25',
  '2026-11-25T16:49:45',
  '2026-13-01T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01 00:00:00Z',
  '1764089385',
])('refuses %j', (text) => {
  expect(parseTime(text)).toBeUndefined()
})
