import { validateHeaderName, validateHeaderValue } from 'node:http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HeaderField } from '../../../src/contract/event.ts'
import { isDeniedHeader } from '../../../src/core/headers/names.ts'
import { eventWith, kafkaCodec, pairs } from './events.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('\r\nX-Evil: 1', '\0', '%41', ' ', '\uD800', '\u2028'),
)
const value: fc.Arbitrary<string | Uint8Array> = fc.oneof(text, fc.uint8Array({ maxLength: 40 }))
const name = fc.oneof(
  text,
  fc.constantFrom(
    'Host',
    'connection',
    'Content-Length',
    'ce-id',
    'traceparent',
    'tracestate',
    'baggage',
    '__proto__',
    'constructor',
    'X-Topic',
    'x-millrace-encoded',
  ),
)
const field: fc.Arbitrary<HeaderField> = fc.tuple(name, value)
const fields = fc.array(field, { maxLength: 12 })

test('T29 whatever an event holds, the result is fit for HTTP/1.1', () => {
  const property = fc.property(
    text,
    text,
    fields,
    fields,
    fc.constantFrom('', 'X-', 'ce-', 'bad prefix:'),
    fc.option(text),
    (id, topic, headers, attributes, headerPrefix, type) => {
      const codec = kafkaCodec({ headerPrefix, baggage: true })
      const flat = codec.encode(eventWith({ id, topic, headers, attributes }), 1, type ?? undefined)
      for (const [key, content] of pairs(flat)) {
        validateHeaderName(key)
        validateHeaderValue(key, content)
        expect(content).toMatch(/^[\x20-\x7E]*$/)
        expect(content).toBe(content.trim())
      }
      expect(flat.length % 2).toBe(0)
      expect(flat.reduce((sum, part) => sum + part.length + 2, 0)).toBeLessThanOrEqual(14_336)
    },
  )
  fc.assert(property, { numRuns: 400 })
})

test('T30 no header of a message becomes a denied one, nor a second one of ours', () => {
  const property = fc.property(fields, fc.constantFrom('', 'X-Kafka-', 'X-Forwarded-'), (headers, headerPrefix) => {
    const names = pairs(kafkaCodec({ headerPrefix }).encode(eventWith({ headers }), 1)).map(([key]) => key.toLowerCase())
    for (const own of ['content-type', 'user-agent', 'x-topic', 'x-connector', 'x-event-id', 'x-delivery-attempt', 'idempotency-key']) {
      expect(names.filter((key) => key === own)).toHaveLength(1)
    }
    expect(names.filter((key) => key === 'x-millrace-encoded').length).toBeLessThanOrEqual(1)
    expect(names.filter(isDeniedHeader)).toEqual([])
  })
  fc.assert(property, { numRuns: 300 })
})

test('plain ASCII passes unchanged', () => {
  const plain = fc.string({ unit: 'grapheme-ascii', maxLength: 60 })
  const property = fc.property(plain, (given) => {
    const flat = kafkaCodec().encode(eventWith({ headers: [['h', given]] }), 1)
    expect(pairs(flat).at(-1)).toEqual(['X-Kafka-h', given.trim()])
  })
  fc.assert(property)
})

test('an encoded value decodes to what went in, exactly once', () => {
  const property = fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (given) => {
    const all = pairs(kafkaCodec().encode(eventWith({ headers: [['h', given]] }), 1))
    const sent = all.find(([key]) => key === 'X-Kafka-h')?.[1] ?? ''
    const isEncoded = all.some(([key, listed]) => key === 'X-Millrace-Encoded' && listed === 'X-Kafka-h')
    expect(isEncoded ? decodeURIComponent(sent) : sent).toBe(isEncoded ? given : given.trim())
  })
  fc.assert(property)
})
