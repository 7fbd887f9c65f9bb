import { describe, expect, it } from 'vitest'
import { recordToEvent } from '../../src/mapping/record-to-event.ts'
import { fields, record } from './records.ts'

const context = { cluster: 'c1' }
const ce = (...more: readonly (readonly [string, string | Uint8Array])[]) =>
  fields(['ce_specversion', '1.0'], ['ce_id', 'e-1'], ['ce_source', '/shop'], ['ce_type', 'order.placed'], ...more)

describe('CloudEvents, binary', () => {
  it('give identity, type, time and partition key, and go out as ce-* headers', () => {
    const headers = ce(
      ['ce_time', '2026-11-25T16:49:45.5Z'],
      ['ce_partitionkey', 'p'],
      ['content-type', 'application/json'],
      ['trace', 'x'],
    )
    const { event } = recordToEvent(record({ headers, key: undefined }), context)
    expect(event).toMatchObject({
      id: '/shop|e-1',
      source: '/shop',
      type: 'order.placed',
      time: Date.UTC(2026, 10, 25, 16, 49, 45, 500),
      orderingKey: 'p',
      contentType: 'application/json',
    })
    expect(event.headers.map(([name]) => name)).toEqual([
      'ce-specversion',
      'ce-id',
      'ce-source',
      'ce-type',
      'ce-time',
      'ce-partitionkey',
      'content-type',
      'trace',
    ])
  })

  it('the key of the record goes before the partition key', () => {
    expect(recordToEvent(record({ headers: ce(['ce_partitionkey', 'p']) }), context).event.orderingKey).toBe('k1')
  })

  it('a header that claims to be an attribute in HTTP form does not stand beside the real one', () => {
    const { event } = recordToEvent(record({ headers: ce(['ce-id', 'spoofed']) }), context)
    expect(event.headers.filter(([name]) => name === 'ce-id')).toEqual([['ce-id', 'e-1']])
  })

  it.each([
    ['another version', fields(['ce_specversion', '0.3'], ['ce_id', '1'], ['ce_source', '/a'], ['ce_type', 't'])],
    ['no type', fields(['ce_specversion', '1.0'], ['ce_id', '1'], ['ce_source', '/a'])],
    ['an id twice', ce(['ce_id', 'again'])],
    ['a source with a blank', fields(['ce_specversion', '1.0'], ['ce_id', '1'], ['ce_source', '/a b'], ['ce_type', 't'])],
    ['a day that is not', ce(['ce_time', '2026-02-30T00:00:00Z'])],
    ['bytes that are not UTF-8', ce(['ce_subject', Buffer.from([0xc0, 0xa0])])],
    ['a line break', ce(['ce_subject', 'a\nb'])],
  ])('with %s is delivered as a plain record', (_what, headers) => {
    const { event, unreadable } = recordToEvent(record({ headers }), context)
    expect([event.id, unreadable]).toEqual(['kafka:c1/orders/3/42', undefined])
    expect(event.headers).toEqual(headers)
  })
})

describe('CloudEvents, structured', () => {
  const structured = (body: string, type = 'application/cloudevents+json; charset=UTF-8') =>
    recordToEvent(record({ value: Buffer.from(body), headers: fields(['content-type', type]), key: undefined }), context).event

  it('are unfolded: attributes to headers, data to the body, with every digit of its numbers', () => {
    const event = structured(
      '{"specversion":"1.0","id":"1","source":"/s","type":"t","n":7,"ok":true,"data":{"big":12345678901234567890.10,"__proto__":{"x":1}}}',
    )
    expect(event).toMatchObject({ id: '/s|1', type: 't', contentType: 'application/json' })
    expect(Buffer.from(event.data).toString()).toBe('{"big":12345678901234567890.10,"__proto__":{"x":1}}')
    expect(new Map(event.headers).get('ce-n')).toBe('7')
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  it('text and base64 data become what they stand for', () => {
    const head = '"specversion":"1.0","id":"1","source":"/s","type":"t"'
    expect(Buffer.from(structured(`{${head},"datacontenttype":"text/plain","data":"hi"}`).data).toString()).toBe('hi')
    expect(Buffer.from(structured(`{${head},"data":"hi"}`).data).toString()).toBe('"hi"')
    expect([...structured(`{${head},"data_base64":"/wA="}`).data]).toEqual([255, 0])
    expect(structured(`{${head}}`).data).toHaveLength(0)
  })

  it.each([
    ['not JSON', 'nonsense'],
    ['a list', '[]'],
    ['both kinds of data', '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"AA=="}'],
    ['an attribute that is an object', '{"specversion":"1.0","id":"1","source":"/s","type":"t","x":{}}'],
    ['100,000 levels (T32)', `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('%s stays as it is', (_what, body) => {
    const event = structured(body)
    expect([event.id, Buffer.from(event.data).toString() === body]).toEqual(['kafka:c1/orders/3/42', true])
  })

  it('an unknown format and the batch form stay as they are', () => {
    for (const type of ['application/cloudevents+avro', 'application/cloudevents-batch+json']) {
      expect(structured('{"specversion":"1.0","id":"1","source":"/s","type":"t"}', type).id).toBe('kafka:c1/orders/3/42')
    }
  })
})
