import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, parseFrame } from '../../../src/ports/journal/frame.ts'

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
