import type { DeadLetter } from '@millrace/sdk'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLetter } from '../../src/dead-letters/parse-letter.ts'
import { rabbitmqDeadLetters } from '../../src/dead-letters/rabbitmq-dead-letters.ts'
import type { RabbitmqDeadLettersOptions } from '../../src/dead-letters/rabbitmq-dead-letters.ts'
import { rabbitmqAttributeNames, rabbitmqHeaderPrefix } from '../../src/mapping/names.ts'
import type { DeliveredMessage, Message } from '../../src/transport/message.ts'
import { FakePublisher } from '../fake-publisher.ts'
import { anyMessage } from '../mapping/arbitraries.ts'
import { message, messageWith, properties, table } from '../mapping/messages.ts'
import { letterOf } from './letters.ts'

const open = (publisher: FakePublisher, more: Partial<RabbitmqDeadLettersOptions> = {}) =>
  rabbitmqDeadLetters({ publisher, queueOf: (intake) => `${intake}.dlq`, ...more })

const written = async (letter: DeadLetter): Promise<Message> => {
  const publisher = new FakePublisher()
  await open(publisher).write(letter)
  return publisher.published[0]?.message as Message
}

/** As `get` gives it. */
const got = (sent: Message): DeliveredMessage => ({ ...sent, deliveryTag: 1, redelivered: false })

const quorum = { durable: true, exclusive: false, autoDelete: false, arguments: table(['x-queue-type', 'quorum']) }

describe('a dead letter', () => {
  it('is the original message in the queue of its intake, with what happened in its headers', async () => {
    const from = messageWith({ messageId: 'm-1', replyTo: 'r', headers: table(['a', 1], ['__proto__', 'x']) })
    const letter = await written(letterOf(from))
    expect([letter.exchange, letter.routingKey, letter.body]).toEqual(['', 'orders.dlq', from.body])
    const { headers, ...others } = letter.properties
    expect(others).toEqual({ messageId: 'm-1', replyTo: 'r', deliveryMode: 2 })
    expect([...headers]).toEqual([
      ['a', 1],
      ['__proto__', 'x'],
      ['millrace-event-id', 'rabbitmq:%2F/orders/m-1'],
      ['millrace-function', 'ship'],
      ['millrace-target', 'ship'],
      ['millrace-reason', 'exhausted'],
      ['millrace-detail', '10 attempts failed'],
      ['millrace-status', '503'],
      ['millrace-error', 'busy'],
      ['millrace-attempts', '10'],
      ['millrace-first-attempt-at', '500'],
      ['millrace-last-attempt-at', '1000'],
      ['millrace-died-at', '1005'],
      ['millrace-hops', '1'],
      ['millrace-connector', 'millrace/rabbitmq-connector'],
      ['millrace-origin-topic', 'orders'],
      ['millrace-origin-queue', 'orders'],
      ['millrace-origin-exchange', 'shop'],
      ['millrace-origin-routing-key', 'orders.eu'],
    ])
  })

  it('never expires, names no foreign user, and goes to no other queue', async () => {
    const from = messageWith({ messageId: 'm-1', expiration: '5', userId: 'alice', headers: table(['CC', ['audit']], ['BCC', ['hidden']]) })
    const { expiration, userId, headers } = (await written(letterOf(from))).properties
    expect([expiration, userId, headers.has('CC'), headers.has('BCC')]).toEqual([undefined, undefined, false, false])
    expect([headers.get('millrace-origin-cc'), headers.get('millrace-origin-user-id')]).toEqual(['["audit"]', 'alice'])
  })

  it('of a letter that was put back keeps where it began, counts the hop, and says the rest anew', async () => {
    const first = await written(letterOf(message()))
    const back = { ...got(first), exchange: '', routingKey: 'orders' }
    const second = (await written(letterOf(back, { hops: 1, reason: 'rejected' }))).properties.headers
    expect([second.get('millrace-origin-exchange'), second.get('millrace-hops'), second.get('millrace-reason')]).toEqual([
      'shop',
      '2',
      'rejected',
    ])
    expect(second.get('millrace-event-id')).toBe('rabbitmq:%2F/orders/m-1')
  })

  it('is read again as the letter that it was (property)', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, fc.nat(5), fc.constantFrom({}, { letterId: 'k3' }), async (from, hops, differs) => {
        const letter = letterOf(from, { hops, ...differs })
        const read = parseLetter(got(await written(letter)), '/')
        const { headers: _, attributes: __, ...event } = letter.event
        expect(read).toMatchObject({ ...letter, event })
        expect(read?.naming).toEqual({ prefix: rabbitmqHeaderPrefix, reserved: rabbitmqAttributeNames })
      }),
    )
  })

  it('shows the same headers and attributes when it is delivered again', async () => {
    const from = messageWith({
      messageId: 'm-1',
      correlationId: 'c',
      expiration: '5',
      headers: table(['a', 1], ['t', table(['x', [true]])]),
    })
    const letter = letterOf(from)
    const read = parseLetter(got(await written(letter)), '/')
    expect(read?.event.attributes?.filter(([name]) => name !== 'X-Rabbitmq-Delivery-Mode')).toEqual(letter.event.attributes)
    expect(new Map(read?.event.headers)).toEqual(new Map([...letter.event.headers, ['millrace-hops', '1']]))
  })

  it('of an event from elsewhere says what its attributes say', async () => {
    const { event } = letterOf(messageWith({ messageId: 'm-1', correlationId: 'c', priority: 3, headers: table(['a', 'b']) }))
    const sent = await written({ ...letterOf(message()), event: { ...event } })
    expect(sent.properties).toMatchObject({ messageId: 'm-1', correlationId: 'c', priority: 3 })
    expect(sent.properties.headers.get('millrace-origin-routing-key')).toBe('orders.eu')
    expect(sent.properties.headers.get('a')).toBe('b')
  })

  it.each<[string, DeliveredMessage]>([
    [
      'a message that the broker has dead-lettered',
      messageWith({ headers: table(['x-death', [table(['queue', 'orders'], ['reason', 'delivery_limit'])]]) }),
    ],
    ['a reason that is none', messageWith({ headers: table(['millrace-event-id', 'x'], ['millrace-reason', 'because']) })],
    ['a letter without an id', messageWith({ headers: table(['millrace-reason', 'rejected']) })],
  ])('%s is none', (_what, from) => {
    expect(parseLetter(from, '/')).toBeUndefined()
  })
})

describe('writing letters', () => {
  it('T32 that have no room for the producer’s headers go without them, and say how many there were', async () => {
    const publisher = new FakePublisher()
    publisher.maxHeaders = 25
    const headers = table(...Array.from({ length: 30 }, (_, n) => [`h${n}`, n] as const))
    await open(publisher).write(letterOf(message({ properties: properties({ messageId: 'm', headers }) })))
    const sent = publisher.published[0]?.message.properties.headers
    expect([sent?.get('millrace-headers-omitted'), sent?.has('h0'), sent?.get('millrace-reason')]).toEqual(['30', false, 'exhausted'])
  })

  it('declares a queue that is missing, once for all that wait for it', async () => {
    const publisher = new FakePublisher()
    publisher.queues = new Set()
    const sink = open(publisher, { declaration: () => quorum })
    await Promise.all(Array.from({ length: 5 }, () => sink.write(letterOf(message()))))
    expect([publisher.declared, publisher.published.length, publisher.openChannels]).toEqual([
      [{ queue: 'orders.dlq', options: quorum }],
      5,
      0,
    ])
  })

  it.each<[string, Partial<RabbitmqDeadLettersOptions>, boolean]>([
    ['may not be declared', {}, false],
    ['cannot be declared', { declaration: () => quorum }, true],
    ['is not configured', { queueOf: () => undefined }, false],
  ])('a queue that %s is an error with a code, and nothing is written', async (_what, more, denied) => {
    const publisher = new FakePublisher()
    publisher.queues = new Set()
    publisher.denied = denied
    await expect(open(publisher, more).write(letterOf(message()))).rejects.toMatchObject({ code: 'E_RABBITMQ_LETTER_QUEUE_MISSING' })
    expect([publisher.published, publisher.openChannels]).toEqual([[], 0])
  })

  it('is not done before the broker has confirmed', async () => {
    const publisher = new FakePublisher()
    publisher.refusals.push('E_RABBITMQ_UNCONFIRMED')
    const told: string[] = []
    const sink = open(publisher, { onWritten: (queue) => told.push(queue) })
    await expect(sink.write(letterOf(message()))).rejects.toMatchObject({ code: 'E_RABBITMQ_UNCONFIRMED' })
    expect(told).toEqual([])
    await sink.write(letterOf(message()))
    expect([told, publisher.published.map((sent) => sent.mandatory)]).toEqual([['orders.dlq'], [true]])
  })
})
