import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeHeaderValue } from '../../src/cloudevents/header-value.ts'

/** CloudEvents HTTP binding 1.0, section 3.1.3.2, as a producer does it. */
const encode = (text: string, hex: (byte: number) => string): string =>
  [...Buffer.from(text)].map((b) => (b > 0x20 && b < 0x7f && b !== 0x22 && b !== 0x25 ? String.fromCharCode(b) : `%${hex(b)}`)).join('')

test('reads back whatever a producer encodes, in either case', () => {
  const hexes = [(b: number) => b.toString(16).padStart(2, '0'), (b: number) => b.toString(16).toUpperCase().padStart(2, '0')]
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom(...hexes), (text, hex) => {
      expect(decodeHeaderValue(encode(text, hex))).toBe(text)
    }),
  )
})

test('decodes once', () => {
  expect(decodeHeaderValue('%2541')).toBe('%41')
})

test('unquotes a quoted string first', () => {
  expect(decodeHeaderValue('"a \\"b\\" %E2%82%AC"')).toBe('a "b" €')
})

test('takes raw UTF-8, which Node gives as latin1', () => {
  expect(decodeHeaderValue(Buffer.from('grün').toString('latin1'))).toBe('grün')
})

test.each(['%C0%A0', '%', '%4', '%zz', '100%', '%ED%A0%80', '\xff'])('refuses %s', (value) => {
  expect(decodeHeaderValue(value)).toBeUndefined()
})
