import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printable } from '../../src/core/printable.ts'
import { hostileText } from './hostile-text.ts'

test('T42 line ends, ANSI escapes, invisible and turning characters become visible', () => {
  expect(printable('a\nb\r\u001B[31m\u200Bc\u202Ed\u2028', 200)).toBe('a\\u{a}b\\u{d}\\u{1b}[31m\\u{200b}c\\u{202e}d\\u{2028}')
})

test('plain text of any script stays as it is', () => {
  expect(printable('Bestellung: ä, 訂單', 200)).toBe('Bestellung: ä, 訂單')
})

test('is at most as long as asked, and on one line', () => {
  fc.assert(
    fc.property(hostileText(400), fc.integer({ min: 1, max: 300 }), (text, max) => {
      const safe = printable(text, max)
      expect(safe.length).toBeLessThanOrEqual(max)
      expect(safe).not.toMatch(/[\r\n\p{Cc}]/u)
    }),
  )
})
