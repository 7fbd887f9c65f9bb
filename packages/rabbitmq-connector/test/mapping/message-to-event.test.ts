import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import { rabbitmqAttributeNames } from '../../src/mapping/names.ts'
import { originOf } from '../../src/mapping/origin.ts'
import { retryCopy } from '../../src/retry/retry-copy.ts'
import type { FieldValue } from '../../src/transport/message.ts'
import { anyMessage } from './arbitraries.ts'
import { context, message, messageWith, plan, properties, table } from './messages.ts'

const eventOf = (from = message(), differs: Parameters<typeof plan>[0] = {}, more: Partial<typeof context> = {}) =>
  messageToEvent(from, plan(differs), { ...context, ...more }).event
const attributes = (from: Parameters<typeof eventOf>[0]): ReadonlyMap<string, unknown> => new Map(eventOf(from).attributes)
const headers = (...pairs: readonly (readonly [string, FieldValue])[]) =>
  eventOf(messageWith({ messageId: 'm', headers: table(...pairs) })).headers

describe('a message becomes an event', () => {
  it('has the queue as topic, the routing key as ordering key, and the message to go back to', () => {
    const from = messageWith({ messageId: 'm-1', timestamp: 1_764_000_000_000, contentType: 'application/json' })
    const { event, targets, unreadable } = messageToEvent(from, plan(), context)
    expect(event).toMatchObject({
      id: 'rabbitmq:%2F/orders/m-1',
      source: '/rabbitmq/%2F/shop',
      type: 'com.rabbitmq.message',
      topic: 'orders',
      orderingKey: 'orders.eu',
      time: 1_764_000_000_000,
      contentType: 'application/json',
    })
    expect(event.data).toBe(from.body)
    expect([targets, unreadable]).toEqual([undefined, undefined])
    expect(originOf(event)?.message).toBe(from)
  })

  it('sends every property by one name, and no empty one', () => {
    const all = messageWith({
      messageId: 'm-1',
      correlationId: 'c',
      replyTo: 'r',
      type: 'order',
      appId: 'shop',
      userId: 'alice',
      priority: 4,
      timestamp: 1_764_000_000_000,
      expiration: '60000',
      deliveryMode: 2,
      contentEncoding: 'gzip',
      headers: table(['x-delivery-count', 2]),
    })
    expect(eventOf(all).attributes).toEqual([
      ['X-Rabbitmq-Queue', 'orders'],
      ['X-Rabbitmq-Exchange', 'shop'],
      ['X-Rabbitmq-Routing-Key', 'orders.eu'],
      ['X-Rabbitmq-Msg-Id', 'm-1'],
      ['X-Rabbitmq-Redelivered', 'false'],
      ['X-Rabbitmq-Delivery-Count', '2'],
      ['X-Rabbitmq-Correlation-Id', 'c'],
      ['X-Rabbitmq-Reply-To', 'r'],
      ['X-Rabbitmq-Type', 'order'],
      ['X-Rabbitmq-App-Id', 'shop'],
      ['X-Rabbitmq-User-Id', 'alice'],
      ['X-Rabbitmq-Priority', '4'],
      ['X-Rabbitmq-Timestamp', '2025-11-24T16:00:00.000Z'],
      ['X-Rabbitmq-Expiration', '60000'],
      ['X-Rabbitmq-Delivery-Mode', '2'],
      ['Content-Encoding', 'gzip'],
    ])
    expect(eventOf(message({ exchange: '', routingKey: '', properties: properties({ messageId: '' }) })).attributes).toEqual([
      ['X-Rabbitmq-Queue', 'orders'],
      ['X-Rabbitmq-Redelivered', 'false'],
    ])
  })

  it('names no content coding that HTTP does not know: a server would answer 415', () => {
    expect(attributes(messageWith({ contentEncoding: 'utf-8' })).get('Content-Encoding')).toBeUndefined()
    expect(attributes(messageWith({ contentEncoding: 'utf-8' })).get('X-Rabbitmq-Content-Encoding')).toBe('utf-8')
    expect(attributes(messageWith({ contentEncoding: 'identity' })).has('X-Rabbitmq-Content-Encoding')).toBe(false)
  })

  it('says in a line where the broker has dead-lettered it, but not that it waited for a retry', () => {
    const death = (queue: string, reason: string, count: number) => table(['queue', queue], ['reason', reason], ['count', count])
    const from = messageWith({
      headers: table(['x-death', [death('orders.retry.5s', 'expired', 3), death('in', 'rejected', 2)]], ['x-first-death-queue', 'in']),
    })
    expect(attributes(from).get('X-Rabbitmq-Death')).toBe('in;reason=rejected;count=2')
    expect(eventOf(from).headers).toEqual([])
  })

  it('gives scalars as text, bytes as base64, times as ISO 8601, lists and tables as JSON', () => {
    expect(
      headers(
        ['s', 'grün'],
        ['n', 1.5],
        ['b', true],
        ['z', null],
        ['bytes', new Uint8Array([0, 255])],
        ['at', { kind: 'timestamp', ms: 0 }],
        ['price', { kind: 'decimal', value: -5, places: 2 }],
        ['nan', Number.NaN],
        ['list', [1, 'a', null, Number.NaN, new Uint8Array([1])]],
        [
          'table',
          table(['__proto__', table(['x', true])], ['at', { kind: 'timestamp', ms: 0 }], ['p', { kind: 'decimal', value: 15, places: 1 }]),
        ],
      ),
    ).toEqual([
      ['at', '1970-01-01T00:00:00.000Z'],
      ['b', 'true'],
      ['bytes', 'AP8='],
      ['list', '[1,"a",null,"NaN","AQ=="]'],
      ['n', '1.5'],
      ['nan', 'NaN'],
      ['price', '-0.05'],
      ['s', 'grün'],
      ['table', '{"__proto__":{"x":true},"at":"1970-01-01T00:00:00.000Z","p":1.5}'],
      ['z', ''],
    ])
  })

  it('gives headers by name, as the broker sorts those of a retry: where there are too many all attempts see the same', () => {
    const names = Array.from({ length: 1500 }, (_, index) => [`h${index}`, 'v'] as const)
    expect(headers(...names)).toEqual(headers(...names.toSorted(([left], [right]) => (left < right ? -1 : 1))))
    expect(headers(...names)).toHaveLength(1024)
  })

  it('T30 leaves out what is longer or deeper than a header may be, and keeps the rest', () => {
    const deep = Array.from({ length: 40 }).reduce<readonly unknown[]>((inner) => [inner], []) as never
    expect(headers(['long', 'x'.repeat(5000)], ['deep', deep], ['wide', Array.from({ length: 5000 }, () => 1)], ['a', '1'])).toEqual([
      ['a', '1'],
    ])
  })

  it('a trace context that came as bytes is text all the same', () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(headers(['traceparent', Buffer.from(parent)])).toEqual([['traceparent', parent]])
  })

  it('headers that could not be decoded make it unreadable, whatever its body', () => {
    const undecodable = { ...message(), undecodable: 'its headers are nested too deep' }
    for (const maxBodyBytes of [3, 100]) {
      const { event, unreadable } = messageToEvent(undecodable, plan(), { ...context, maxBodyBytes })
      expect(unreadable).toEqual({ reason: 'decode', detail: 'its headers are nested too deep' })
      expect(event.data).toBe(undecodable.body)
    }
  })

  it('a body over the limit is unreadable, with its bytes', () => {
    const { event, unreadable } = messageToEvent(message(), plan(), { ...context, maxBodyBytes: 3 })
    expect(unreadable).toEqual({ reason: 'too-large', detail: 'the body has 7 bytes, and 3 are allowed' })
    expect(event.data).toHaveLength(7)
  })

  it('order by key may follow a header, or the partition key of a CloudEvent', () => {
    const from = messageWith({ messageId: 'm', headers: table(['customer', 42]) })
    expect(eventOf(from, {}, { orderKey: { header: 'customer' } }).orderingKey).toBe('42')
    expect(eventOf(message(), {}, { orderKey: { header: 'customer' } }).orderingKey).toBeUndefined()
  })

  it('an exchange is matched by routing key; a queue of one function needs no match', () => {
    expect(eventOf(message(), { mode: 'exchange', topic: 'routing-key' }).topic).toBe('orders.eu')
    const { targets } = messageToEvent(message(), plan({ mode: 'binding', function: 'ship.prod' }), context)
    expect(targets).toEqual([{ function: 'ship.prod', attempts: 0 }])
  })

  it('the filter of a function is asked for what comes to its own queue, and not again for a retry', () => {
    const own = plan({ mode: 'binding', function: 'ship.prod' })
    const first = messageToEvent(message(), own, context)
    expect(first.asksFilter).toBe(true)
    const copy = retryCopy(first.event, { function: 'ship.prod', attempts: 0, firstAttemptAt: 5 }, own.queue, 'tier')
    const again = messageToEvent({ ...copy, routingKey: own.queue, deliveryTag: 2, redelivered: false }, own, context)
    expect(again.targets).toEqual([{ function: 'ship.prod', attempts: 0, firstAttemptAt: 5 }])
    expect(again.asksFilter).toBeUndefined()
    expect(messageToEvent(message(), plan(), context).asksFilter).toBeUndefined()
  })

  it('T29 T30 T31 maps whatever a producer sends, always to the same event, with attributes of known names and bounded headers', () => {
    const modes = fc.constantFrom('queue', 'binding', 'exchange', 'stream' as const)
    fc.assert(
      fc.property(anyMessage, modes, fc.boolean(), (from, mode, cloudEvents) => {
        const at = plan({ mode, topic: mode === 'exchange' ? 'routing-key' : 'queue', ...(mode === 'binding' && { function: 'ship' }) })
        const mapped = messageToEvent(from, at, { ...context, cloudEvents })
        expect(messageToEvent(from, at, { ...context, cloudEvents })).toEqual(mapped)
        expect(mapped.event.id).toMatch(/^[\x21-\x7E](?:[\x20-\x7E]{0,510}[\x21-\x7E])?$/)
        for (const [name, value] of mapped.event.attributes ?? []) {
          expect(rabbitmqAttributeNames).toContain(name)
          expect(value).not.toBe('')
        }
        for (const [, value] of mapped.event.headers) expect(typeof value === 'string' && value.length <= 4096).toBe(true)
      }),
    )
  })
})
