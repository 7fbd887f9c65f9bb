import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventIdOf, isContentId, isEventId } from '../../src/mapping/event-id.ts'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { Message } from '../../src/transport/message.ts'
import { anyMessage } from './arbitraries.ts'
import { context, message, messageWith, plan, properties, table } from './messages.ts'

const place = { vhost: '/', queue: 'orders', offset: undefined }
const idOf = (from: Message, at: Partial<typeof place> = {}): string => eventIdOf(from, { ...place, ...at }, undefined)

describe('the id of an event', () => {
  it('is the id that the producer gave, in its vhost and queue, whatever characters they have', () => {
    expect(idOf(messageWith({ messageId: 'a/b@c|#d ü' }), { vhost: 'pro d', queue: 'o/rders' })).toBe(
      'rabbitmq:pro%20d/o%2Frders/a%2Fb%40c%7C%23d%20%C3%BC',
    )
  })

  it('differs where messages differ in id, queue or vhost, however long these are (property)', () => {
    const part = fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ unit: 'binary', minLength: 200, maxLength: 255 }))
    const key = fc.tuple(part, part, part)
    fc.assert(
      fc.property(key, key, ([vhost, queue, messageId], other) => {
        fc.pre(![messageId, other[2]].some((id) => id.toWellFormed().includes('\uFFFD')))
        fc.pre([vhost, queue, other[0], other[1]].every((name) => name.isWellFormed()))
        const one = idOf(messageWith({ messageId }), { vhost, queue })
        const two = idOf(messageWith({ messageId: other[2] }), { vhost: other[0], queue: other[1] })
        expect(isEventId(one)).toBe(true)
        expect(one === two).toBe(vhost === other[0] && queue === other[1] && messageId === other[2])
      }),
    )
  })

  it('of a message in a stream is its position, where the producer gave none', () => {
    const from = messageWith({ headers: table(['x-stream-offset', 42]) })
    expect(messageToEvent(from, plan({ mode: 'stream' }), context).event.id).toBe('rabbitmq:%2F/orders/@42')
    expect(idOf(messageWith({ messageId: '@42' }))).not.toBe('rabbitmq:%2F/orders/@42')
    // A header of that name means nothing elsewhere.
    expect(isContentId(messageToEvent(from, plan(), context).event.id)).toBe(true)
  })

  it('without one is made of the content, marked as ambiguous, and stays the same over redelivery and the broker’s own headers', () => {
    const first = messageWith({ headers: table(['a', 1]) })
    const { event } = messageToEvent(first, plan(), context)
    expect([isContentId(event.id), event.ambiguousId]).toEqual([true, true])
    const headers = table(['a', 1], ['x-delivery-count', 3], ['x-death', []], ['x-first-death-queue', 'q'])
    const again = messageToEvent({ ...first, deliveryTag: 99, redelivered: true, properties: properties({ headers }) }, plan(), context)
    expect(again.event.id).toBe(event.id)
    expect(messageToEvent(message(), plan(), context).event.ambiguousId).toBeUndefined()
  })

  it('an id that is no text counts as none: others could look the same', () => {
    expect(isContentId(idOf(messageWith({ messageId: 'a\uFFFD' })))).toBe(true)
    expect(isContentId(idOf(messageWith({ messageId: '' })))).toBe(true)
  })

  it.each<[string, Message]>([
    ['the body', message({ body: Buffer.from('{"n":2}'), properties: properties() })],
    ['the routing key', message({ routingKey: 'orders.us', properties: properties() })],
    ['a border between two properties', messageWith({ correlationId: 'ab' })],
    ['the property that has a text', messageWith({ appId: 'a' })],
    ['the type of a header', messageWith({ headers: table(['a', '1']) })],
    ['nesting', messageWith({ headers: table(['a', [[1]]]) })],
    ['the time', messageWith({ timestamp: 1000 })],
  ])('made of the content differs by %s', (_what, other) => {
    const others = [messageWith({}), messageWith({ correlationId: 'a', replyTo: 'b' }), messageWith({ type: 'a' })]
    const more = [messageWith({ headers: table(['a', 1]) }), messageWith({ headers: table(['a', [1]]) })]
    for (const one of [...others, ...more]) expect(idOf(one)).not.toBe(idOf(other))
  })

  it('made of the content changes with any part of it (property)', () => {
    const change = fc.constantFrom('body', 'header', 'correlationId', 'type', 'appId', 'replyTo', 'routingKey' as const)
    fc.assert(
      fc.property(anyMessage, change, ({ properties: { messageId: _, ...rest }, ...from }, what) => {
        const one: Message = { ...from, properties: rest }
        const changed: Message =
          what === 'body'
            ? { ...one, body: Buffer.concat([one.body, Buffer.from([0])]) }
            : what === 'routingKey'
              ? { ...one, routingKey: `${one.routingKey}.` }
              : what === 'header'
                ? { ...one, properties: { ...rest, headers: new Map([...rest.headers, ['added by a test', 1]]) } }
                : { ...one, properties: { ...rest, [what]: `${rest[what] ?? ''}.` } }
        expect(idOf(changed)).not.toBe(idOf(one))
        expect(idOf({ ...one, body: Buffer.from(one.body) })).toBe(idOf(one))
      }),
    )
  })
})
