import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAvro } from '../../src/registry/avro-reader.ts'
import { AvroNames } from '../../src/registry/avro-schema.ts'
import { toJsonBytes } from '../../src/registry/json-text.ts'

const schema = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'note', type: ['null', 'string'] },
    { name: 'price', type: 'double' },
    { name: 'paid', type: 'boolean' },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['NEW', 'SENT'] } },
    { name: 'last', type: 'State' },
    { name: 'lines', type: { type: 'array', items: 'string' } },
    { name: 'tags', type: { type: 'map', values: 'float' } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 3 } },
    { name: 'raw', type: 'bytes' },
    { name: 'next', type: ['null', 'shop.Order'] },
  ],
} as const

const text = JSON.stringify(schema)
const reference = avro.Type.forSchema(schema as unknown as avro.Schema)

interface Order {
  readonly next: Order | null
}

const leaf = {
  id: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  note: fc.option(fc.string()),
  price: fc.double({ noNaN: true, noDefaultInfinity: true }),
  paid: fc.boolean(),
  state: fc.constantFrom('NEW', 'SENT'),
  last: fc.constantFrom('NEW', 'SENT'),
  lines: fc.array(fc.string(), { maxLength: 5 }),
  tags: fc.dictionary(
    fc.string({ maxLength: 5 }).filter((key) => key !== '__proto__'),
    fc.integer({ min: -100, max: 100 }),
    { maxKeys: 4 },
  ),
  hash: fc.uint8Array({ minLength: 3, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  raw: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
}
const { order } = fc.letrec<{ order: Order }>((tie) => ({
  order: fc.record({ ...leaf, next: fc.option(tie('order'), { maxDepth: 3 }) }) as fc.Arbitrary<Order>,
}))

/** As avsc's value is in JSON: bytes as base64. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      (part as { type?: unknown } | null)?.type === 'Buffer' ? Buffer.from((part as { data: number[] }).data).toString('base64') : part,
    ),
  )

describe('Avro', () => {
  it('reads what another library wrote', () => {
    const type = new AvroNames().read(text)
    fc.assert(
      fc.property(order, (value) => {
        expect(JSON.parse(toJsonBytes(readAvro(type, reference.toBuffer(value))).toString())).toEqual(plain(value))
      }),
      { numRuns: 100 },
    )
  })

  it('T43 T44 refuses hostile bytes in bounded time, or reads something', () => {
    const type = new AvroNames().read(text)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readAvro(type, Buffer.from(bytes))
        } catch (error) {
          expect((error as Error).message).toMatch(/not of its Avro schema/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('T43 a count of 2^62 nulls in ten bytes costs nothing', () => {
    const nulls = new AvroNames().read('{"type":"array","items":"null"}')
    expect(() => readAvro(nulls, Buffer.from('feffffffffffffff7f00', 'hex'))).toThrow(/more items than bytes/)
  })

  it.each([
    [
      'long',
      '"long"',
      avro.types.LongType.__with({
        fromBuffer: String,
        toBuffer: (n: bigint) => {
          const b = Buffer.alloc(8)
          b.writeBigInt64LE(n)
          return b
        },
        fromJSON: String,
        toJSON: String,
        isValid: () => true,
        compare: () => 0,
      }).toBuffer(-9223372036854775807n),
      '-9223372036854775807',
    ],
    ['decimal', '{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}', Buffer.from('04fb2e', 'hex'), '"-12.34"'],
    ['a number that JSON has not', '"double"', avro.Type.forSchema('double').toBuffer(Infinity), '"Infinity"'],
    [
      'T31 a key __proto__',
      '{"type":"map","values":"int"}',
      Buffer.concat([Buffer.from([2, 18]), Buffer.from('__proto__'), Buffer.from([2, 0])]),
      '{"__proto__":1}',
    ],
  ])('%s keeps its value as JSON', (_what, own, bytes, json) => {
    expect(toJsonBytes(readAvro(new AvroNames().read(own), bytes)).toString()).toBe(json)
  })

  it('reads types of a schema that was read before, by name', () => {
    const names = new AvroNames()
    names.read('{"type":"fixed","name":"a.Id","size":1}')
    expect(
      readAvro(names.read('{"type":"record","name":"R","namespace":"a","fields":[{"name":"id","type":"Id"}]}'), Buffer.from([255])),
    ).toEqual({ id: '/w==' })
  })

  it.each([
    '{}',
    '"nothing"',
    '{"type":"record","name":"R"}',
    '{"type":"enum","name":"E","symbols":[1]}',
    '{"type":"fixed","name":"../x","size":1}',
    '5',
    `${'['.repeat(100)}"int"${']'.repeat(100)}`,
  ])('refuses the schema %s', (own) => {
    expect(() => new AvroNames().read(own)).toThrow(/Avro schema is not usable/)
  })
})
