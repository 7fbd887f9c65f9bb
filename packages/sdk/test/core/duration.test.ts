import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, parseGoDuration } from '../../src/core/duration.ts'

describe('parseGoDuration', () => {
  test.each([
    ['0', 0],
    ['300ms', 300],
    ['1.5h', 5_400_000],
    ['2m30s', 150_000],
    ['1h1m1s1ms', 3_661_001],
    ['-1.5s', -1500],
    ['+5s', 5000],
    ['.5s', 500],
    ['1.s', 1000],
    ['1us', 0.001],
    ['1\u00B5s', 0.001],
    ['1\u03BCs', 0.001],
    ['1000000ns', 1],
    ['1.1s', 1100],
    ['0s', 0],
  ])('reads %s as Go does', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms)
  })

  test.each(['', '30', '-', '+', 's', '.s', '1d', '1 s', ' 1s', '1s ', '1s2', '1e3s', '--1s', '3000000h', '0x1s', `${'1'.repeat(80)}s`])(
    'refuses %j as Go does',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined()
    },
  )

  test('never throws and never gives a number that is not finite', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseGoDuration(text)
        expect(value === undefined || Number.isFinite(value)).toBe(true)
      }),
    )
  })
})

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [250, '250ms'],
    [1500, '1.5s'],
    [120_000, '2m'],
    [5_400_000, '1h30m'],
    [-1000, '-1s'],
    [0.001, '0.001ms'],
    [90_061_001, '25h1m1.001s'],
    [Number.NaN, '0s'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test('is read back to the same whole milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 }), (ms) => {
        expect(parseGoDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })
})
