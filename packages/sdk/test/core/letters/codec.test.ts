import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttemptRecord, DeadLetter } from '../../../src/contract/dead-letter.ts'
import type { HeaderField, MillraceEvent } from '../../../src/contract/event.ts'
import { decodeLetter, encodeLetter } from '../../../src/core/letters/codec.ts'

/** Any UTF-16, lone surrogates included. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
)
const bytes = fc.uint8Array({ maxLength: 300 })
const header = fc.tuple(anyText, fc.oneof(anyText, bytes)) as fc.Arbitrary<HeaderField>
const headers = fc.array(header, { maxLength: 6 })
const time = fc.integer({ min: -8e15, max: 8e15 })

const event = fc.record(
  {
    id: anyText,
    ambiguousId: fc.constant(true),
    source: anyText,
    type: anyText,
    topic: anyText,
    time,
    data: bytes,
    contentType: anyText,
    headers,
    attributes: headers,
    orderingKey: anyText,
    partition: anyText,
  },
  { requiredKeys: ['id', 'source', 'type', 'topic', 'data', 'headers'] },
) as fc.Arbitrary<MillraceEvent>

const attempt = fc.record(
  {
    at: time,
    durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }).map((ms) => ms + 0),
    status: fc.integer({ min: 100, max: 999 }),
    error: anyText,
  },
  { requiredKeys: ['at', 'durationMs'] },
) as fc.Arbitrary<AttemptRecord>

const letter = fc.record(
  {
    event,
    intake: anyText,
    function: anyText,
    reason: fc.constantFrom(
      'rejected',
      'exhausted',
      'max-age',
      'not-found',
      'denied',
      'redirect',
      'gone',
      'decode',
      'too-large',
      'unmatched',
    ),
    detail: anyText,
    attempts: fc.nat(),
    history: fc.array(attempt, { maxLength: 20 }),
    firstAttemptAt: time,
    lastAttemptAt: time,
    diedAt: time,
    hops: fc.nat(),
    letterId: anyText,
    naming: fc.record({ prefix: fc.string({ maxLength: 64 }), reserved: fc.array(fc.string({ maxLength: 256 }), { maxLength: 64 }) }),
  },
  { requiredKeys: ['event', 'intake', 'reason', 'detail', 'attempts', 'history', 'diedAt', 'hops'] },
) as fc.Arbitrary<DeadLetter>

const sample: DeadLetter = {
  event: { id: 'e1', source: '/s', type: 't', topic: 'orders', data: new TextEncoder().encode('body'), headers: [['a', '1']] },
  intake: 'http',
  function: 'pay',
  reason: 'rejected',
  detail: 'The function answered 400.',
  attempts: 1,
  history: [{ at: 1, durationMs: 2, status: 400 }],
  diedAt: 5,
  hops: 0,
}

describe('letter codec', () => {
  test('every letter comes back as it was, through the bytes of one line', () => {
    fc.assert(
      fc.property(letter, (given) => {
        const line = Buffer.from(encodeLetter(given))
        expect(line.includes(10)).toBe(false)
        expect(line.includes(9)).toBe(false)
        expect(decodeLetter(line.toString())).toEqual(given)
      }),
      { numRuns: 300 },
    )
  })

  test('repeated headers and bytes that are no text keep order and form', () => {
    const headers: HeaderField[] = [
      ['x', '1'],
      ['X', '1'],
      ['x', new Uint8Array([0xff, 0, 10])],
      ['__proto__', 'y'],
      ['x', ''],
    ]
    const back = decodeLetter(encodeLetter({ ...sample, event: { ...sample.event, headers } }))
    expect(back.event.headers).toEqual(headers)
  })

  test('the data has a buffer of its own', () => {
    const { data } = decodeLetter(encodeLetter(sample)).event
    expect(data.buffer.byteLength).toBe(data.length)
  })

  test('a time that is no number does not make a letter unwritable', () => {
    const back = decodeLetter(encodeLetter({ ...sample, event: { ...sample.event, time: Number.NaN } }))
    expect(back.event).toEqual(sample.event)
  })

  test.each([
    ['prefix', { prefix: 'x'.repeat(65), reserved: [] }],
    ['list of names', { prefix: 'X-', reserved: Array.from({ length: 65 }, (_, n) => `X-${n}`) }],
    ['name', { prefix: 'X-', reserved: ['x'.repeat(257)] }],
  ])('a %s of headers that is too long does not make a letter unreadable', (_what, naming) => {
    expect(decodeLetter(encodeLetter({ ...sample, naming }))).toEqual(sample)
  })

  const altered = (change: (value: Record<string, unknown>) => void): string => {
    const value = JSON.parse(encodeLetter(sample)) as Record<string, unknown>
    change(value)
    return JSON.stringify(value)
  }

  test.each([
    ['no JSON', 'E_LETTER_MALFORMED', '{"letter":1'],
    ['no object', 'E_LETTER_MALFORMED', 'null'],
    ['a list', 'E_LETTER_MALFORMED', '[]'],
    ['no version', 'E_LETTER_MALFORMED', altered((value) => delete value['letter'])],
    ['a newer version', 'E_LETTER_VERSION', altered((value) => (value['letter'] = 2))],
    ['an unknown reason', 'E_LETTER_MALFORMED', altered((value) => (value['reason'] = 'toString'))],
    ['a reason of another kind', 'E_LETTER_MALFORMED', altered((value) => (value['reason'] = 3))],
    ['negative hops', 'E_LETTER_MALFORMED', altered((value) => (value['hops'] = -1))],
    ['a text for a number', 'E_LETTER_MALFORMED', altered((value) => (value['diedAt'] = '5'))],
    ['no event', 'E_LETTER_MALFORMED', altered((value) => delete value['event'])],
    ['broken base64', 'E_LETTER_MALFORMED', altered((value) => ((value['event'] as Record<string, unknown>)['data'] = 'Zg='))],
    [
      'a header of three',
      'E_LETTER_MALFORMED',
      altered((value) => ((value['event'] as Record<string, unknown>)['headers'] = [['a', 'b', 'c']])),
    ],
  ])('refuses %s', (_what, code, text) => {
    expect(() => decodeLetter(text)).toThrow(expect.objectContaining({ code }) as Error)
  })

  test('any JSON is either a letter or a coded error', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(() => decodeLetter(text)).toThrow(expect.objectContaining({ name: 'MillraceError' }) as Error)
      }),
    )
  })

  test('fields of a later release are passed over', () => {
    expect(decodeLetter(altered((value) => (value['later'] = { x: 1 })))).toEqual(sample)
  })
})
