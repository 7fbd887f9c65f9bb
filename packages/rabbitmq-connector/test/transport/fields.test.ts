import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutText, fieldLimits, readTable, timestampMs, writeTable } from '../../src/transport/fields.ts'
import type { FieldTable, FieldValue } from '../../src/transport/message.ts'

/** What amqplib's decoder can make of a producer's table, marks and the names of `Object.prototype` included. */
const raw: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    fc.record({ '!': fc.constantFrom('timestamp', 'decimal', 'object', 'int64', 'x'), value: tie('value') }),
    fc.record({ '!': fc.constant('decimal'), value: fc.record({ places: fc.nat(255), digits: fc.nat(4_294_967_295) }) }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('constructor', 'toString', 'value', '!', 'hasOwnProperty')), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value

const field: fc.Arbitrary<FieldValue> = fc.letrec<{ value: FieldValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 8 }),
    fc.nat(2_000_000_000).map((seconds) => ({ kind: 'timestamp', ms: seconds * 1000 }) as const),
    fc.record({ kind: fc.constant('decimal' as const), value: fc.nat(4_294_967_295), places: fc.nat(255) }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('!', '__proto__', 'constructor')), tie('value')), { maxLength: 4 })
      .map((all) => new Map(all)),
  ),
})).value

/** What the wire makes of an encoded value: types that were given by name become values again. */
const overTheWire = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(overTheWire)
  const { '!': mark, value: inner } = value as { '!'?: unknown; value?: unknown }
  if (mark === 'double') return inner
  if (mark === 'object') return overTheWire(inner)
  if (mark !== undefined && (mark === 'timestamp' || mark === 'decimal')) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, overTheWire(one)]))
}

const plain = (value: FieldValue): unknown => {
  if (Object.is(value, -0)) return 0
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof Map) {
    // amqplib loses this name (docs/rabbitmq-faults.md).
    return new Map([...(value as FieldTable)].filter(([name]) => name !== '__proto__').map(([name, one]) => [name, plain(one)]))
  }
  return Array.isArray(value) ? (value as readonly FieldValue[]).map(plain) : value
}

const nest = (depth: number, around: (inner: unknown) => unknown): unknown => {
  let value: unknown = 'inmost'
  for (let i = 0; i < depth; i += 1) value = around(value)
  return value
}

const depthOf = (value: FieldValue | undefined): number => {
  if (value instanceof Map) return 1 + Math.max(0, ...[...(value as FieldTable).values()].map(depthOf))
  return Array.isArray(value) ? 1 + Math.max(0, ...(value as readonly FieldValue[]).map(depthOf)) : 0
}

const countOf = (value: FieldValue): number => {
  if (value instanceof Map) return 1 + [...(value as FieldTable).values()].reduce<number>((sum, one) => sum + countOf(one), 0)
  return Array.isArray(value) ? 1 + (value as readonly FieldValue[]).reduce<number>((sum, one) => sum + countOf(one), 0) : 1
}

describe('a table that is read', () => {
  it('is a map of known values, whatever came, and can be written again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), raw, { maxKeys: 6 }), (source) => {
        const table = readTable(source)
        expect(table).toBeInstanceOf(Map)
        expect(() => writeTable(table)).not.toThrow()
      }),
    )
  })

  it('is empty when it is none', () => {
    for (const source of [undefined, null, 7, 'text', [1], Buffer.from('x')]) expect(readTable(source).size).toBe(0)
  })

  it('has own names alone: a table that amqplib took for the prototype is not seen', () => {
    const source = JSON.parse('{"a": 1}') as Record<string, unknown>
    Object.setPrototypeOf(source, { polluted: true })
    expect(readTable(source)).toEqual(new Map([['a', 1]]))
    expect(readTable(JSON.parse('{"__proto__": {"b": 1}}'))).toEqual(new Map([['__proto__', new Map([['b', 1]])]]))
  })

  it('is bounded in depth, in the number of its values, and in the length of its names', () => {
    const deep = readTable({ table: nest(5000, (inner) => ({ inner })), list: nest(5000, (inner) => [inner]) })
    expect(depthOf(deep)).toBeLessThanOrEqual(fieldLimits.depth + 1)
    const wide = readTable({ wide: Array.from({ length: 100_000 }, () => [1]) })
    expect(countOf(wide)).toBeLessThanOrEqual(fieldLimits.values + 1)
    const [name = ''] = readTable({ ['\uFFFD'.repeat(255)]: 1 }).keys()
    expect([Buffer.byteLength(name), name.length]).toEqual([255, 85])
  })

  it('takes marks for what they say only where they hold what they must', () => {
    const table = readTable({
      time: { '!': 'timestamp', value: 1.5e9 },
      beyond: { '!': 'timestamp', value: 2 ** 63 },
      wrong: { '!': 'timestamp', value: 'x' },
      more: { '!': 'timestamp', value: 1, third: 1 },
    })
    expect(table.get('time')).toEqual({ kind: 'timestamp', ms: 1.5e12 })
    expect(table.get('beyond')).toEqual({ kind: 'timestamp', ms: 8.64e15 })
    expect(table.get('wrong')).toEqual(
      new Map([
        ['!', 'timestamp'],
        ['value', 'x'],
      ]),
    )
    expect((table.get('more') as FieldTable).size).toBe(3)
  })
})

describe('a table that is written', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), field)), (entries) => {
        const table: FieldTable = new Map(entries)
        const isAmbiguous = (value: FieldValue): boolean =>
          value instanceof Map
            ? [...(value as FieldTable).values()].some(isAmbiguous) || ((value as FieldTable).has('!') && (value as FieldTable).size === 2)
            : Array.isArray(value) && (value as readonly FieldValue[]).some(isAmbiguous)
        fc.pre(!isAmbiguous(table))
        expect(plain(readTable(overTheWire(writeTable(table))))).toEqual(plain(table))
      }),
    )
  })

  it('holds numbers that AMQP and the broker can read', () => {
    const table = new Map([NaN, Infinity, -Infinity, -(2 ** 63), -(2 ** 64), 2 ** 63, 0.5].map((value, i) => [String(i), value]))
    expect(Object.values(writeTable(table))).toEqual([
      'NaN',
      'Infinity',
      '-Infinity',
      -(2 ** 63),
      { '!': 'double', value: -(2 ** 64) },
      2 ** 63,
      { '!': 'double', value: 0.5 },
    ])
  })

  it('is refused when it is nested too deep', () => {
    expect(() => writeTable(new Map([['x', nest(100, (inner) => [inner]) as FieldValue]]))).toThrow(RangeError)
  })
})

it('text is cut to whole characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\uFFFD') }), fc.nat(40), (text, bytes) => {
      const cut = cutText(text, bytes)
      expect(text.startsWith(cut)).toBe(true)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes)
      if (cut !== text) expect(Buffer.byteLength(cut)).toBeGreaterThan(bytes - 4)
    }),
  )
})

it('a timestamp is one that a Date can hold, or none', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const ms = timestampMs(value)
      expect(ms === undefined || !Number.isNaN(new Date(ms).getTime())).toBe(true)
    }),
  )
  expect(timestampMs(1)).toBe(1000)
})
