import protobuf from 'protobufjs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { protobufSchema } from '../../src/registry/protobuf-schema.ts'
import { readMessageIndexes } from '../../src/registry/wire-format.ts'

const text = `syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto"; import "common.proto";
message Other { int32 x = 1; }
message Order { message Line { string name = 1; enum Kind { A = 0; B = 1; } Kind kind = 2; bytes raw = 3; }
  int64 id = 1; repeated Line lines = 2; google.protobuf.Timestamp at = 3; base.Money price = 4; map<string, int32> tags = 5; }`
const common = { name: 'common.proto', text: 'syntax = "proto3"; package base; message Money { int64 units = 1; }' }

const root = new protobuf.Root()
protobuf.parse(common.text, root)
protobuf.parse(text, root)
root.addJSON(
  (protobuf.common.get('google/protobuf/timestamp.proto') as protobuf.INamespace).nested as Record<string, protobuf.AnyNestedObject>,
)
const encode = (type: string, value: Record<string, unknown>): Buffer => {
  const found = root.lookupType(type)
  return Buffer.from(found.encode(found.fromObject(value)).finish())
}

describe('Protobuf', () => {
  const read = protobufSchema(text, [common])

  it('reads the message that the indexes name, with imports, as JSON has it', () => {
    const value = {
      id: '9007199254740993',
      lines: [{ name: 'a', kind: 'B', raw: '/wA=' }],
      at: { seconds: '5' },
      price: { units: '7' },
      tags: { k: 1 },
    }
    expect(read(Buffer.concat([Buffer.from([2, 2]), encode('shop.Order', value)]), undefined)).toEqual(value)
    expect(read(Buffer.concat([Buffer.from([4, 2, 0]), encode('shop.Order.Line', { name: 'n' })]), undefined)).toEqual({ name: 'n' })
  })

  it('a single 0 is the first message, and a payload may stand elsewhere', () => {
    expect(read(Buffer.from([0]), encode('shop.Other', { x: 3 }))).toEqual({ x: 3 })
  })

  it.each(['', '02', '0204', '0401', 'ffffffffff', '7f', '02ff'])('T44 refuses the indexes %s', (hex) => {
    expect(() => read(Buffer.from(hex, 'hex'), undefined)).toThrow(Error)
  })

  it('T44 hostile bytes throw, or are something', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          read(Buffer.from(bytes), undefined)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('refuses what is no schema', () => {
    expect(() => protobufSchema('message {', [])).toThrow(Error)
  })

  it('message indexes are read as they are written', () => {
    expect(readMessageIndexes(Buffer.from([6, 2, 0, 8, 9]))).toEqual({ indexes: [1, 0, 4], rest: Buffer.from([9]) })
  })
})
