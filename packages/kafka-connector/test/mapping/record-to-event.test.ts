import type { MillraceEvent } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { originOf } from '../../src/mapping/origin.ts'
import { recordToEvent } from '../../src/mapping/record-to-event.ts'
import { fields, record } from './records.ts'

const context = { cluster: 'c1' }

/** Every field: an event works them out when it is asked. */
const shown = ({ id, source, type, topic, time, data, contentType, headers, attributes, orderingKey }: MillraceEvent): unknown => {
  return { id, source, type, topic, time, data, contentType, headers, attributes, orderingKey }
}
const eventOf = (differs: Parameters<typeof record>[0]) => recordToEvent(record(differs), context).event

describe('a record becomes an event', () => {
  it('has an id made of its position, the key as ordering key, and the record to go back to', () => {
    const from = record()
    const { event, targets, unreadable } = recordToEvent(from, context)
    expect(event).toMatchObject({
      id: 'kafka:c1/orders/3/42',
      topic: 'orders',
      source: 'kafka:c1/orders',
      orderingKey: 'k1',
      time: 1_764_000_000_000,
    })
    expect(Buffer.from(event.data).toString()).toBe('{"n":1}')
    expect([targets, unreadable]).toEqual([undefined, undefined])
    expect(originOf(event)).toBe(from)
  })

  it('sends position, key and timestamp by the names of the Pro connector', () => {
    expect(eventOf({}).attributes).toEqual([
      ['X-Kafka-Partition', '3'],
      ['X-Kafka-Offset', '42'],
      ['X-Kafka-Key', 'k1'],
      ['X-Kafka-Timestamp', '1764000000000'],
    ])
  })

  it.each([
    ['bytes that are not ASCII', Buffer.from([0xff, 0x00])],
    ['CR and LF', Buffer.from('a\r\nHost: evil')],
    ['an outer blank, which HTTP would strip', Buffer.from(' a')],
  ])('T29 a key of %s goes out as base64', (_what, key) => {
    const attributes = new Map(eventOf({ key }).attributes)
    expect(attributes.get('X-Kafka-Key')).toBe(key.toString('base64'))
    expect(attributes.get('X-Kafka-Key-Enc')).toBe('b64')
  })

  it('tells null from empty, in key and value', () => {
    const tombstone = eventOf({ value: undefined, key: undefined })
    expect(tombstone.data).toHaveLength(0)
    expect(new Map(tombstone.attributes).get('X-Kafka-Tombstone')).toBe('true')
    expect(new Map(tombstone.attributes).has('X-Kafka-Key')).toBe(false)
    expect(tombstone.orderingKey).toBeUndefined()
    const empty = eventOf({ value: Buffer.alloc(0), key: Buffer.alloc(0) })
    expect(new Map(empty.attributes).has('X-Kafka-Tombstone')).toBe(false)
    expect(new Map(empty.attributes).get('X-Kafka-Key')).toBe('')
    expect(empty.orderingKey).toBe('')
  })

  it('takes the content type from the header of the record, in any case, and keeps repeated headers in order', () => {
    const headers = fields(['Content-Type', 'application/xml'], ['a', '1'], ['a', Buffer.from([0xff])])
    const event = eventOf({ headers })
    expect(event.contentType).toBe('application/xml')
    expect(event.headers).toEqual(headers)
  })

  it('T29 T31 maps whatever bytes a producer writes, and always to the same event', () => {
    const bytes = fc.uint8Array({ maxLength: 40 })
    const name = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('__proto__', 'constructor', 'content-type', 'ce_id', 'ce_specversion', 'millrace-event-id', 'millrace-target'),
    )
    const any = fc.record({
      key: fc.option(bytes, { nil: undefined }),
      value: fc.option(bytes, { nil: undefined }),
      headers: fc.array(
        fc.tuple(
          name,
          fc.oneof(
            bytes,
            fc.constantFrom('1.0', 'application/cloudevents+json', 'x').map((text) => Buffer.from(text)),
          ),
        ),
        { maxLength: 8 },
      ),
    })
    fc.assert(
      fc.property(any, (differs) => {
        const once = recordToEvent(record(differs), context)
        expect(shown(recordToEvent(record(differs), context).event)).toEqual(shown(once.event))
        expect(once.event.id).not.toBe('')
        expect(once.event.orderingKey ?? '').toBe(
          differs.key === undefined ? (once.event.orderingKey ?? '') : Buffer.from(differs.key).toString('latin1'),
        )
      }),
    )
  })
})

describe('copies of an event', () => {
  const copy = fields(['millrace-event-id', 'kafka:c0/orders/0/7'], ['millrace-target', 'ship.prod'], ['millrace-hops', '2'])

  it('keep the id, and go to the function that failed if it may be reached from this topic', () => {
    const mapped = recordToEvent(record({ headers: copy }), {
      ...context,
      mayTarget: (name, topic) => name === 'ship.prod' && topic === 'orders',
    })
    expect(mapped.event.id).toBe('kafka:c0/orders/0/7')
    expect(mapped.targets).toEqual([{ function: 'ship.prod', attempts: 0 }])
  })

  it('reach nobody by name unless the source says so: headers are written by producers', () => {
    expect(recordToEvent(record({ headers: copy }), context).targets).toBeUndefined()
    const evil = fields(['millrace-event-id', 'x'], ['millrace-target', '../system/secrets'])
    expect(recordToEvent(record({ headers: evil }), { ...context, mayTarget: () => true }).targets).toBeUndefined()
  })
})

describe('a value of the schema registry', () => {
  it('is what the function gets, and the record keeps the original', () => {
    const value = Buffer.from([0, 0, 0, 0, 1, 2])
    const { event } = recordToEvent(record({ value }), {
      ...context,
      decoded: { data: Buffer.from('{}'), contentType: 'application/json' },
    })
    expect([Buffer.from(event.data).toString(), event.contentType, originOf(event)?.value]).toEqual(['{}', 'application/json', value])
  })

  it('that cannot be decoded is unreadable, with its bytes', () => {
    const decoded = { unreadable: { reason: 'decode' as const, detail: 'no schema 7' } }
    const { event, unreadable } = recordToEvent(record(), { ...context, decoded })
    expect(unreadable).toEqual({ reason: 'decode', detail: 'no schema 7' })
    expect(Buffer.from(event.data).toString()).toBe('{"n":1}')
  })
})
