import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonFault, readJsonMembers } from '../../../src/core/cloudevents/json-members.ts'

const readable = (text: string): boolean => {
  try {
    readJsonMembers(text)
    return true
  } catch (fault) {
    if (fault instanceof JsonFault) return false
    throw fault
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

test('gives the members of any object, each as it stands there', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
      const members = readJsonMembers(JSON.stringify(object, undefined, indent))
      expect([...members.keys()].toSorted()).toEqual(Object.keys(object).toSorted())
      for (const [name, raw] of members) expect(JSON.parse(raw)).toEqual(JSON.parse(JSON.stringify(object[name])))
    }),
  )
})

test('takes what JSON.parse takes and nothing else', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '"\\u00e9"',
    '"\\x"',
    '1',
    '-0.5e3',
    '01',
    '1.',
    'true',
    'nul',
    ' ',
    '\n',
    '\f',
    '"',
  )
  const mutated = fc
    .tuple(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }), fc.nat(), fc.nat(3), piece)
    .map(([object, at, cut, insert]) => {
      const text = JSON.stringify(object)
      const from = at % (text.length + 1)
      return text.slice(0, from) + insert + text.slice(from + cut)
    })
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.array(piece, { maxLength: 12 }).map((pieces) => `{${pieces.join('')}`),
      ),
      (text) => {
        const value = parsed(text)
        if (readable(text)) expect(isObject(value)).toBe(true)
        // The other way round, but for a name that stands there twice.
        else if (isObject(value)) expect(() => readJsonMembers(text)).toThrow(/twice/)
      },
    ),
    { numRuns: 2000 },
  )
})

test('keeps the digits of numbers and the blanks of values', () => {
  const members = readJsonMembers('{"data" : {"n":12345678901234567890.10,  "m" : 1E400} , "id":"a"}')
  expect(members.get('data')).toBe('{"n":12345678901234567890.10,  "m" : 1E400}')
})

describe('T31, T32: hostile JSON', () => {
  test('100,000 levels are refused without recursion', () => {
    const deep = `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(() => readJsonMembers(deep)).toThrow(/nested more than 1000 levels/)
    expect(readable(`{"data":${'['.repeat(1000)}${']'.repeat(1000)}}`)).toBe(true)
  })

  test('__proto__ and constructor are names like others', () => {
    const members = readJsonMembers('{"__proto__":{"polluted":1},"constructor":2}')
    expect([...members]).toEqual([
      ['__proto__', '{"polluted":1}'],
      ['constructor', '2'],
    ])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('a name that stands there twice is refused, also in another spelling', () => {
    expect(() => readJsonMembers('{"id":"a","\\u0069d":"b"}')).toThrow(/twice/)
  })

  test('more than 256 members are refused', () => {
    const many = (count: number): string => `{${Array.from({ length: count }, (_, n) => `"a${n}":1`).join(',')}}`
    expect(readable(many(256))).toBe(true)
    expect(() => readJsonMembers(many(257))).toThrow(/more than 256/)
  })
})
