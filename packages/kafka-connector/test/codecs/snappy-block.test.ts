import fc from 'fast-check'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { unpackSnappy } from '../../src/codecs/snappy-block.ts'

const snappy = createRequire(import.meta.url)('snappyjs') as { compress(bytes: Buffer): Buffer }

const block = (...bytes: (number | string)[]): Buffer =>
  Buffer.concat(bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))

test('gives back what was packed, whatever it was', () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.nat(5000)))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const parts = pieces.map((each) => (Array.isArray(each) ? Buffer.alloc(each[1], each[0]) : Buffer.from(each)))
      const bytes = Buffer.concat(parts)
      expect(unpackSnappy(snappy.compress(bytes), bytes.length)).toEqual(bytes)
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['a literal of 61 bytes and more', block(100, 60 << 2, 99, 'x'.repeat(100)), 'x'.repeat(100)],
  ['a copy of one byte of offset, over itself', block(10, 1 << 2, 'ab', (4 << 2) | 1, 2), 'ababababab'],
  ['a copy of two bytes of offset', block(8, 3 << 2, 'abcd', (3 << 2) | 2, 4, 0), 'abcdabcd'],
  ['a copy of four bytes of offset', block(8, 3 << 2, 'abcd', (3 << 2) | 3, 4, 0, 0, 0), 'abcdabcd'],
  ['nothing', block(0), ''],
])('%s', (_, bytes, text) => {
  expect(unpackSnappy(bytes, 1000).toString()).toBe(text)
})

test.each([
  ['T43 a literal of 4 GiB, on which snappyjs walks back for ever', block(64, 0, 'a', 63 << 2, 0xff, 0xff, 0xff, 0xff, 'b'.repeat(20))],
  ['T43 a literal of -2 bytes to snappyjs', block(64, 0, 'a', 63 << 2, 0xfe, 0xff, 0xff, 0xff, 'b'.repeat(20))],
  ['an offset of 2 GiB', block(8, 3 << 2, 'abcd', (3 << 2) | 3, 0, 0, 0, 0x80)],
  ['an offset of nothing', block(8, 3 << 2, 'abcd', (3 << 2) | 2, 0, 0)],
  ['an offset before the beginning', block(8, 3 << 2, 'abcd', (3 << 2) | 2, 5, 0)],
  ['more than it said', block(3, 3 << 2, 'abcd')],
  ['less than it said', block(9, 3 << 2, 'abcd')],
  ['an end within an element', block(8, 3 << 2, 'abcd', (3 << 2) | 3, 4, 0)],
  ['a length without an end', block(0xff, 0xff, 0xff, 0xff, 0xff, 1)],
  ['no length', Buffer.alloc(0)],
  ['4 GiB said by six bytes', block(0xff, 0xff, 0xff, 0xff, 0x0f, 0)],
])('%s is refused at once', (_, bytes) => {
  expect(() => unpackSnappy(bytes, 1000)).toThrow(/a block is broken|is longer than/)
})

test('what says to be longer than is allowed is not begun', () => {
  expect(() => unpackSnappy(block(100, 60 << 2, 99, 'x'.repeat(100)), 99)).toThrow('longer than 99 bytes')
})
