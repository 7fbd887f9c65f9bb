import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MillraceEvent } from '../../../src/contract/event.ts'
import { compileFilter } from '../../../src/core/filter/compile-filter.ts'
import { event } from './events.ts'
import { hostileText } from '../hostile-text.ts'

const wants = (text: string, subject: MillraceEvent, options = {}): boolean => {
  const compiled = compileFilter(text, options)
  if ('problem' in compiled) throw new Error(compiled.problem)
  return compiled.filter(subject)
}

describe('headers', () => {
  const subject = event({
    headers: [
      ['Region', 'eu-west'],
      ['tag', 'a'],
      ['Tag', 'b'],
      ['bytes', new TextEncoder().encode('raw')],
      ['X-Kafka-Partition', 'spoofed'],
    ],
    attributes: [['X-Kafka-Partition', '3']],
  })

  test.each([
    ['header:region=eu-west', true],
    ['header:REGION = eu-west', true],
    ['header:region="eu-west"', true],
    ['header:region=EU-WEST', false],
    ['header:region!=us', true],
    ['header:region!=eu-west', false],
    ['header:region^=eu-', true],
    ['header:region^=us-', false],
    ['header:region$=-west', true],
    ['header:region$=-east', false],
    ['header:region?', true],
    ['header:absent?', false],
    ['header:absent=x', false],
    ['header:absent!=x', true],
    ['header:absent^=', false],
    ['header:tag=b', true],
    ['header:tag!=b', false],
    ['header:tag!=c', true],
    ['header:tag in ["x","a"]', true],
    ['header:tag in ["x"]', false],
    ['header:bytes=raw', true],
    ['header:x-kafka-partition=3', true],
    ['header:x-kafka-partition=spoofed', false],
    ['header:__proto__?', false],
    ['header:constructor?', false],
  ])('%s is %s', (text, expected) => {
    expect(wants(text, subject)).toBe(expected)
  })
})

describe('data', () => {
  const subject = event({
    json: { a: { b: 'v', n: 1, t: true, z: null, list: [10, { c: 'x' }] }, 'odd key;': 'q', '': 'e', ünï: 1, s: '1', obj: {} },
  })

  test.each([
    ['$.a.b=v', true],
    ['$.a.b="v"', true],
    ['$.a.b=w', false],
    ['$.a.b!=w', true],
    ['$.a.b!=v', false],
    ['$.absent!=v', true],
    ['$.a.n=1', true],
    ['$.a.n=1.0', true],
    ['$.a.n="1"', false],
    ['$.s=1', false],
    ['$.s="1"', true],
    ['$.a.t=true', true],
    ['$.a.t="true"', false],
    ['$.a.z=null', true],
    ['$.absent=null', false],
    ['$.a.z?', true],
    ['$.absent?', false],
    ['$.a.b.c?', false],
    ['$.obj?', true],
    ['$.obj={}', null],
    ['$.a.n in [1,"b"]', true],
    ['$.a.b in [1,"v"]', true],
    ['$.a.b in[1,"b"]', false],
    ['$.a.n in ["1"]', false],
    ['$.a.z in [null]', true],
    ['$.a.b^=v', true],
    ['$.a.n^=1', false],
    ['$.a.b$=v', true],
    ['$.a.list[0]=10', true],
    ['$.a.list[1].c=x', true],
    ['$.a.list[2]?', false],
    ['$.a.list.length?', false],
    ['$["odd key;"]=q', true],
    ['$["odd key;"]="q"; $.a.n=1', true],
    ['$[""]=e', true],
    ['$.ünï=1', true],
    ['$?', true],
    ['$.__proto__?', false],
    ['$.constructor?', false],
    ['$.a.b.length?', false],
    ['$.a.toString?', false],
  ])('%s is %s', (text, expected) => {
    if (expected === null) expect(compileFilter(text)).toHaveProperty('problem')
    else expect(wants(text, subject)).toBe(expected)
  })

  test('T31 a member named __proto__ is data like any other', () => {
    const hostile = event({ text: '{"__proto__":{"admin":true},"constructor":1}' })
    expect(wants('$.__proto__.admin=true', hostile)).toBe(true)
    expect(wants('$.admin?', hostile)).toBe(false)
    expect(wants('$.constructor=1', hostile)).toBe(true)
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test.each(['', 'not json', '{"a":', '{"a":1}x'])('the data %j is no JSON and matches no `$` clause, `!=` neither', (text) => {
    expect(wants('$?', event({ text }))).toBe(false)
    expect(wants('$.a!=1', event({ text }))).toBe(false)
  })

  test('bytes that are not UTF-8 are no JSON; a byte order mark is skipped', () => {
    expect(wants('$?', event({ data: new Uint8Array([0x22, 0xff, 0x22]) }))).toBe(false)
    expect(wants('$=1', event({ data: new Uint8Array([0xef, 0xbb, 0xbf, 0x31]) }))).toBe(true)
  })

  test('data over the cap matches no `$` clause, at the cap it does', () => {
    const subject = event({ text: '"1234"' })
    expect(wants('$="1234"', subject, { maxJsonBytes: 6 })).toBe(true)
    expect(wants('$="1234"', subject, { maxJsonBytes: 5 })).toBe(false)
  })

  test('T32 JSON of 100,000 levels does not crash', () => {
    const deep = event({ text: `${'['.repeat(100_000)}${']'.repeat(100_000)}` })
    expect(typeof wants('$[0][0]?', deep)).toBe('boolean')
    expect(wants('header:a?', deep)).toBe(false)
    const objects = event({ text: `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}` })
    expect(wants('$.a.b?', objects)).toBe(false)
  })

  test('JSON is parsed once for many functions', () => {
    let reads = 0
    const parts = event({ json: { a: 1 } })
    const data = parts.data
    const counted = { ...parts }
    Object.defineProperty(counted, 'data', {
      get: () => {
        reads += 1
        return data
      },
    })
    const compiled = compileFilter('$.a=1')
    if ('problem' in compiled) throw new Error(compiled.problem)
    for (let call = 0; call < 10; call += 1) expect(compiled.filter(counted)).toBe(true)
    expect(reads).toBe(11)
  })
})

describe('other subjects and several clauses', () => {
  test.each([
    ['topic=orders', true],
    ['topic^=ord', true],
    ['type$=.test', true],
    ['source=/test', true],
    ['type in ["com.example.test"]', true],
    ['topic=orders; type=other', false],
    [' ; topic=orders ;; header:a!="x;y" ; ', true],
  ])('%s is %s', (text, expected) => {
    expect(wants(text, event())).toBe(expected)
  })

  test('the first clause that fails is named', () => {
    const compiled = compileFilter('topic=orders; header:a=1; $.b=2')
    if ('problem' in compiled) throw new Error(compiled.problem)
    expect(compiled.firstMismatch(event())).toBe('header:a=1')
    expect(compiled.firstMismatch(event({ headers: [['a', '1']], json: { b: 2 } }))).toBeUndefined()
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'at least one'],
    [' ; ; ', 'at least one'],
    ['a=b', 'begins with'],
    ['topics=b', 'begins with'],
    ['header:=x', 'begins with'],
    ['header:a', 'stands'],
    ['header:a~=b', 'stands'],
    ['header:a ?x', 'stands'],
    ['header:a="b', 'not closed'],
    ['header:a="b"c', 'JSON string'],
    ['header:a in [1]', 'strings only'],
    ['header:a in x', 'JSON list'],
    ['$.a in [[1]]', 'JSON list'],
    ['$.a={"b":1}', 'a value is'],
    ['$.a=[1]', 'a value is'],
    ['$..a=1', 'a path is'],
    ['$.a[x]=1', 'a path is'],
    ['$.a[-1]=1', 'a path is'],
    [`$${'.a'.repeat(33)}=1`, 'at most 32'],
    [`header:a=${'x'.repeat(1024)}`, 'at most 1024'],
    [Array.from({ length: 17 }, () => 'topic=a').join(';'), 'at most 16'],
    ['(function(){process.exit()})()', 'begins with'],
    ['constructor.constructor("return process")()', 'begins with'],
  ])('%j', (text, problem) => {
    expect(compileFilter(text)).toEqual({ problem: expect.stringContaining(problem) as string })
  })

  test('the limits themselves are allowed', () => {
    expect(compileFilter(`$${'.a'.repeat(32)}=1`)).not.toHaveProperty('problem')
    expect(compileFilter(Array.from({ length: 16 }, () => 'topic=a').join(';'))).not.toHaveProperty('problem')
    expect(compileFilter(`header:a=${'x'.repeat(1015)}`)).not.toHaveProperty('problem')
  })
})

describe('properties', () => {
  test('neither compiling nor filtering ever throws, and a problem is one bounded line', () => {
    const piece = fc.constantFrom(
      'header:',
      'a',
      '$',
      '.a',
      '[0]',
      '["',
      '"]',
      '=',
      '!=',
      '^=',
      '$=',
      ' in ',
      '[1,"b"]',
      '?',
      ';',
      '"',
      '\\',
      'topic',
      '\n',
      '\u0000',
    )
    const text = fc.oneof(
      hostileText(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, fc.uint8Array(), fc.array(fc.tuple(fc.string(), fc.string())), (filter, data, headers) => {
        const compiled = compileFilter(filter)
        if ('problem' in compiled) {
          expect(compiled.problem).not.toMatch(/\p{Cc}/u)
          expect(compiled.problem.length).toBeLessThan(250)
        } else expect(typeof compiled.filter(event({ data, headers }))).toBe('boolean')
      }),
      { numRuns: 2000 },
    )
  })

  test('any scalar at any member is found by a filter that quotes both as JSON, and `!=` is its opposite', () => {
    const scalar = fc.oneof(fc.string({ maxLength: 20 }), fc.integer(), fc.boolean(), fc.constant(null))
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), scalar, scalar, (name, value, other) => {
        const subject = event({ text: `{${JSON.stringify(name)}:${JSON.stringify(value)}}` })
        const path = `$[${JSON.stringify(name)}]`
        expect(wants(`${path}=${JSON.stringify(value)}`, subject)).toBe(true)
        expect(wants(`${path}=${JSON.stringify(other)}`, subject)).toBe(value === other)
        expect(wants(`${path}!=${JSON.stringify(other)}`, subject)).toBe(value !== other)
        expect(wants(`${path} in [${JSON.stringify(other)}, ${JSON.stringify(value)}]`, subject)).toBe(true)
      }),
    )
  })
})
