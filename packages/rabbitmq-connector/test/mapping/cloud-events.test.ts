import { describe, expect, it } from 'vitest'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { FieldValue } from '../../src/transport/message.ts'
import { context, message, messageWith, plan, properties, table } from './messages.ts'

const base = (prefix: string) =>
  [
    [`${prefix}specversion`, '1.0'],
    [`${prefix}id`, 'e-1'],
    [`${prefix}source`, '/shop'],
    [`${prefix}type`, 'order.placed'],
  ] as const
const eventOf = (...headers: readonly (readonly [string, FieldValue])[]) =>
  messageToEvent(messageWith({ contentType: 'application/json', headers: table(...headers) }), plan(), context).event

describe('CloudEvents, binary', () => {
  it.each(['ce-', 'cloudEvents_', 'cloudEvents:'])(
    'with the prefix %s give identity, type, time and partition key, and go out as ce-*',
    (prefix) => {
      const event = eventOf(
        ...base(prefix),
        [`${prefix}time`, { kind: 'timestamp', ms: 1_764_000_000_000 }],
        [`${prefix}partitionkey`, 'p'],
        ['x', '1'],
      )
      expect(event).toMatchObject({
        id: '/shop|e-1',
        source: '/shop',
        type: 'order.placed',
        time: 1_764_000_000_000,
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
        'x',
      ])
    },
  )

  it('the id of the message goes before that of the CloudEvent, which is in ce-id', () => {
    const { event } = messageToEvent(messageWith({ messageId: 'm', headers: table(...base('ce-')) }), plan(), context)
    expect([event.id, new Map(event.headers).get('ce-id')]).toEqual(['rabbitmq:%2F/orders/m', 'e-1'])
  })

  it.each<[string, readonly (readonly [string, FieldValue])[]]>([
    ['another version', [...base('ce-').slice(1), ['ce-specversion', '0.3']]],
    ['no type', base('ce-').slice(0, 3)],
    ['an id twice', [...base('ce-'), ['cloudEvents:id', 'other']]],
    ['bytes that are not UTF-8', [...base('ce-'), ['ce-subject', Buffer.from([0xc0, 0xa0])]]],
    ['a line break', [...base('ce-'), ['ce-subject', 'a\nb']]],
  ])('with %s is delivered as a plain message', (_what, headers) => {
    expect(eventOf(...headers).type).toBe('com.rabbitmq.message')
  })
})

describe('CloudEvents, structured', () => {
  const structured = (body: string, contentType = 'application/cloudevents+json; charset=UTF-8') =>
    messageToEvent(message({ properties: properties({ contentType }), body: Buffer.from(body) }), plan(), context).event

  it('are unfolded: attributes to headers, data to the body', () => {
    const event = structured('{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"big":12345678901234567890.10}}')
    expect(event).toMatchObject({ id: '/s|1', type: 't', contentType: 'application/json' })
    expect(Buffer.from(event.data).toString()).toBe('{"big":12345678901234567890.10}')
  })

  it('that are none, and the batch form, stay as they are', () => {
    expect(structured('nonsense')).toMatchObject({
      type: 'com.rabbitmq.message',
      contentType: 'application/cloudevents+json; charset=UTF-8',
    })
    const batch = '[{"specversion":"1.0","id":"1","source":"/s","type":"t"}]'
    expect(Buffer.from(structured(batch, 'application/cloudevents-batch+json').data).toString()).toBe(batch)
  })
})

describe('a plain message as a CloudEvent', () => {
  it('when that is wanted, has its id, the exchange as source, the routing key as subject', () => {
    const from = messageWith({ messageId: 'm', type: 'order.placed', timestamp: 1_764_000_000_000 })
    const { event } = messageToEvent(from, plan(), { ...context, cloudEvents: true })
    expect(Object.fromEntries(event.headers)).toEqual({
      'ce-specversion': '1.0',
      'ce-id': 'rabbitmq:%2F/orders/m',
      'ce-source': '/rabbitmq/%2F/shop',
      'ce-type': 'order.placed',
      'ce-subject': 'orders.eu',
      'ce-time': '2025-11-24T16:00:00.000Z',
    })
  })

  it('whose properties make none is delivered all the same', () => {
    const { event } = messageToEvent(messageWith({ messageId: 'm', type: 'a\nb' }), plan(), { ...context, cloudEvents: true })
    expect([event.type, event.headers]).toEqual(['a\nb', []])
  })
})
