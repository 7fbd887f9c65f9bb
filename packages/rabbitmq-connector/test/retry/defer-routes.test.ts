import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { MappingContext } from '../../src/mapping/message-to-event.ts'
import { deferRoutes } from '../../src/retry/defer-routes.ts'
import { retryCopy } from '../../src/retry/retry-copy.ts'
import type { DeliveredMessage, Message } from '../../src/transport/message.ts'
import { FakePublisher } from '../fake-publisher.ts'
import { anyMessage } from '../mapping/arbitraries.ts'
import { context, message, messageWith, plan, properties, table } from '../mapping/messages.ts'

const since = 1_763_999_000_000
const waited = { clock: 'not-found', times: 3, notFoundSince: since } as const
const route = { function: 'ship', attempts: 3, firstAttemptAt: since, waited }
const at = { ...plan(), ordered: false }
const mapped = (from: DeliveredMessage, more: Partial<MappingContext> = {}) => messageToEvent(from, plan(), { ...context, ...more })

/** What the broker makes of a message whose time in a delay queue is over. */
const returned = ({ properties: { headers, ...others }, body }: Message, queue = 'orders'): DeliveredMessage =>
  message({
    exchange: '',
    routingKey: queue,
    properties: {
      ...others,
      headers: new Map([
        ...headers,
        ['x-death', [table(['queue', 'orders.retry.5s'], ['reason', 'expired'], ['count', 1])]],
        ['x-first-death-queue', 'orders.retry.5s'],
      ]),
    },
    body,
  })

const deferred = async (from: DeliveredMessage, publisher = new FakePublisher()): Promise<Message> => {
  await deferRoutes(publisher, { event: mapped(from).event, plan: at, routes: [route], afterMs: 5000 })
  return publisher.published[0]?.message as Message
}

describe('a delayed retry', () => {
  it('is one confirmed copy for each function, in the delay queue of its wait, with how far it has come', async () => {
    const publisher = new FakePublisher()
    const { event } = mapped(message())
    const routes = [route, { function: 'bill', attempts: 1 }]
    const tier = await deferRoutes(publisher, { event, plan: at, routes, afterMs: 5001 })
    expect(tier?.queue).toBe('orders.retry.30s')
    expect(publisher.published.map((sent) => [sent.message.exchange, sent.message.routingKey, sent.mandatory])).toEqual([
      ['', 'orders.retry.30s', true],
      ['', 'orders.retry.30s', true],
    ])
    expect(publisher.published.map((sent) => Object.fromEntries(sent.message.properties.headers))).toEqual([
      {
        'millrace-event-id': 'rabbitmq:%2F/orders/m-1',
        'millrace-target': 'ship',
        'millrace-attempt': '3',
        'millrace-first-attempt-at': '1763999000000',
        'millrace-waited': 'not-found 3 1763999000000',
        'millrace-origin-queue': 'orders',
        'millrace-origin-exchange': 'shop',
        'millrace-origin-routing-key': 'orders.eu',
      },
      expect.objectContaining({ 'millrace-target': 'bill', 'millrace-attempt': '1' }),
    ])
  })

  it.each([
    ['attempts 700000 1', undefined],
    ['attempts -1', undefined],
    ['constructor 1', undefined],
    ['not-found', undefined],
    ['attempts 3', { clock: 'attempts', times: 3 }],
    ['denied 99999', { clock: 'denied', times: 10_000 }],
    ['not-found 1 9999999999999', { clock: 'not-found', times: 1, notFoundSince: context.now() }],
  ])('whose waits are said as %j', async (text, expected) => {
    const copy = await deferred(message())
    const headers = new Map([...copy.properties.headers, ['millrace-waited', text]])
    const [target] = mapped(returned({ ...copy, properties: { ...copy.properties, headers } })).targets ?? []
    expect(target?.waited).toEqual(expected)
  })

  it('keeps body and properties, but is durable, never expires, and goes to nobody else', async () => {
    const from = messageWith({
      messageId: 'm-1',
      replyTo: 'r',
      priority: 3,
      deliveryMode: 1,
      expiration: '100',
      userId: 'alice',
      headers: table(
        ['a', 1],
        ['CC', ['audit']],
        ['x-death', []],
        ['x-delivery-count', 4],
        ['x-acquired-count', 4],
        ['x-last-death-queue', 'q'],
      ),
    })
    const copy = await deferred(from)
    expect(copy.body).toBe(from.body)
    const { headers, ...others } = copy.properties
    expect(others).toEqual({ messageId: 'm-1', replyTo: 'r', priority: 3, deliveryMode: 2 })
    expect([...headers.keys()].filter((name) => !name.startsWith('millrace-'))).toEqual(['a'])
    expect(Object.fromEntries(headers)).toMatchObject({
      'millrace-origin-expiration': '100',
      'millrace-origin-user-id': 'alice',
      'millrace-origin-delivery-mode': '1',
      'millrace-origin-cc': '["audit"]',
    })
  })

  it('comes back as the same event, for that function alone, and shows what was published at first', async () => {
    const from = messageWith({
      messageId: 'm-1',
      userId: 'alice',
      expiration: '100',
      deliveryMode: 1,
      headers: table(['a', 1], ['CC', ['audit']], ['x-death', [table(['queue', 'in'], ['reason', 'rejected'], ['count', 2])]]),
    })
    const first = mapped(from)
    const { event, targets } = mapped(returned(await deferred(from)))
    expect(targets).toEqual([route])
    const userless = first.event.attributes?.map(([name, value]) => [
      name === 'X-Rabbitmq-User-Id' ? 'X-Rabbitmq-Origin-User-Id' : name,
      value,
    ])
    expect({ ...event, headers: new Map(event.headers) }).toEqual({
      ...first.event,
      attributes: userless,
      headers: new Map(first.event.headers),
    })
  })

  it('waits in process when the wait is short, the queue is ordered, the broker is blocked, or there is no room in the headers', async () => {
    const { event } = mapped(message())
    const request = { event, plan: at, routes: [route], afterMs: 5000 }
    const publisher = new FakePublisher()
    expect(await deferRoutes(publisher, { ...request, afterMs: 4999 })).toBeUndefined()
    expect(await deferRoutes(publisher, { ...request, plan: { ...at, ordered: true } })).toBeUndefined()
    publisher.blocked = true
    expect(await deferRoutes(publisher, request)).toBeUndefined()
    publisher.blocked = false
    publisher.maxHeaders = 2
    expect(await deferRoutes(publisher, request)).toBeUndefined()
    expect(publisher.published).toEqual([])
  })

  it.each(['E_RABBITMQ_UNCONFIRMED', 'E_RABBITMQ_UNROUTABLE'] as const)('is not done when the broker says %s', async (code) => {
    const publisher = new FakePublisher()
    publisher.refusals.push(code)
    await expect(
      deferRoutes(publisher, { event: mapped(message()).event, plan: at, routes: [route], afterMs: 5000 }),
    ).rejects.toMatchObject({ code })
  })

  it('goes round as often as need be, and the first message is still the one that is seen (property)', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 1, max: 4 }), (from, rounds) => {
        const first = mapped(from).event
        let { event } = mapped(from)
        for (let round = 1; round <= rounds; round += 1) {
          const copy = retryCopy(event, { function: 'ship', attempts: round }, 'orders', 'orders.retry.5s')
          const again = mapped(returned(copy))
          expect(again.targets).toEqual([{ function: 'ship', attempts: round }])
          ;({ event } = again)
        }
        expect([event.id, event.topic, event.type, event.source, event.orderingKey, event.contentType, event.time]).toEqual([
          first.id,
          first.topic,
          first.type,
          first.source,
          first.orderingKey,
          first.contentType,
          first.time,
        ])
        expect(Buffer.from(event.data).equals(first.data)).toBe(true)
      }),
    )
  })
})

describe('headers that claim to be a copy', () => {
  const forged = (differs: Partial<DeliveredMessage>, target = 'ship') =>
    message({
      exchange: '',
      routingKey: 'orders',
      properties: properties({
        messageId: 'm-1',
        headers: table(['millrace-event-id', 'evil'], ['millrace-target', target], ['millrace-attempt', '1']),
      }),
      ...differs,
    })

  it('are a producer’s and mean nothing when they came by an exchange, or into another queue', () => {
    for (const from of [forged({ exchange: 'shop' }), forged({ routingKey: 'other' })]) {
      const { event, targets } = mapped(from)
      expect([event.id, targets]).toEqual(['rabbitmq:%2F/orders/m-1', undefined])
    }
  })

  it('reach no function that does not subscribe, nor a name that is none', () => {
    expect(mapped(forged({}), { reach: () => 'unsubscribed' }).targets).toBeUndefined()
    expect(mapped(forged({}, '../system/secrets')).targets).toBeUndefined()
    const { targets } = messageToEvent(forged({}, 'other'), plan({ mode: 'binding', function: 'ship' }), context)
    expect(targets).toEqual([{ function: 'ship', attempts: 0 }])
  })

  it('of a function that is gone end there: the others have had their part', () => {
    expect(mapped(forged({}), { reach: () => 'unlisted' }).targets).toEqual([{ function: 'ship', attempts: 1 }])
  })

  it('are bounded: attempts, and no attempt in the future', () => {
    const headers = (attempt: string, first: string) =>
      forged({
        properties: properties({
          headers: table(
            ['millrace-event-id', 'x'],
            ['millrace-target', 'ship'],
            ['millrace-attempt', attempt],
            ['millrace-first-attempt-at', first],
          ),
        }),
      })
    expect(mapped(headers('999999999', '9999999999999')).targets).toEqual([
      { function: 'ship', attempts: 10_000, firstAttemptAt: 1_764_000_000_000 },
    ])
    expect(mapped(headers('-1', 'x')).targets).toEqual([{ function: 'ship', attempts: 0 }])
  })

  it('a letter that somebody puts back goes to its function, begins anew, and has its hops', () => {
    const headers = table(['millrace-event-id', 'x'], ['millrace-target', 'ship'], ['millrace-attempts', '10'], ['millrace-hops', '2'])
    const { event, targets } = mapped(forged({ properties: properties({ headers }) }))
    expect(targets).toEqual([{ function: 'ship', attempts: 0 }])
    expect(event.headers).toEqual([['millrace-hops', '2']])
  })
})
