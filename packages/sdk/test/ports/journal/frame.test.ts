import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, LineWriter, parseFrame } from '../../../src/ports/journal/frame.ts'

const payloads = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 11 : byte))))

describe('frame', () => {
  test('every payload without a line feed comes back', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (payload, durable) => {
        const line = encodeFrame(payload, durable)
        expect(line.at(-1)).toBe(10)
        expect(parseFrame(line.subarray(0, -1))).toEqual({ payload, durable })
      }),
    )
  })

  test('text becomes the same line as its bytes, and lines in a row are those lines one after the other', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), payloads), { maxLength: 10 })
    fc.assert(
      fc.property(texts, fc.nat(), (given, durable) => {
        const lines = given.map((item) => (typeof item === 'string' ? item.replaceAll('\n', '') : item))
        const writer = new LineWriter(durable)
        for (const line of lines) writer.add(line)
        const single = lines.map((line) => encodeFrame(Buffer.from(line), durable))
        expect(writer.take()).toEqual(Buffer.concat(single))
        for (const [index, line] of lines.entries()) expect(single[index]?.length).toBe(Buffer.byteLength(line) + writer.overhead)
        expect(writer.take()).toHaveLength(0)
      }),
    )
  })

  test('one changed bit is always seen', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.nat(), (payload, durable, at) => {
        const line = encodeFrame(payload, durable).subarray(0, -1)
        const bit = at % (line.length * 8)
        line.writeUInt8(line.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        expect(parseFrame(line)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('the documented example', () => {
    expect(encodeFrame(Buffer.from('{"a":1}'), 42).toString()).toBe('{"a":1}\t42\td99e60e8\n')
  })
})
