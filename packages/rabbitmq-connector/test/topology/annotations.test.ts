import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rabbitmqAnnotations, readAnnotations } from '../../src/topology/annotations.ts'
import { fn } from './kit.ts'

const read = (annotations: Readonly<Record<string, string>>): ReturnType<typeof readAnnotations> =>
  readAnnotations(fn('pay.prod', annotations))

describe('annotations of a function', () => {
  it('are read, all of them', () => {
    const { annotations, problems } = read({
      exchange: ' events ',
      'exchange-type': 'topic',
      'routing-keys': 'orders.*, orders.eu.#,,orders.*',
      'match-headers': 'x-match=any, region=eu',
      queue: 'auto',
      'queue-type': 'Stream',
      prefetch: '20',
      'stream-offset': '2026-12-01T08:00:00Z',
      reply: 'true',
      'reply-errors': '1',
      'consumer-priority': '-5',
      'single-active-consumer': 'false',
    })
    expect(problems).toEqual([])
    expect(annotations).toEqual({
      exchange: 'events',
      exchangeType: 'topic',
      routingKeys: ['orders.*', 'orders.eu.#'],
      matchHeaders: new Map([
        ['x-match', 'any'],
        ['region', 'eu'],
      ]),
      queue: 'auto',
      queueType: 'stream',
      prefetch: 20,
      streamStart: { timestamp: Date.UTC(2026, 11, 1, 8) },
      reply: true,
      replyErrors: true,
      consumerPriority: -5,
      singleActiveConsumer: false,
    })
  })

  it.each([
    ['first', 'first'],
    ['1200', { offset: 1200 }],
    ['7D', { interval: '7D' }],
  ])('stream-offset %s', (text, start) => {
    expect(read({ 'stream-offset': text }).annotations.streamStart).toEqual(start)
  })

  it.each([
    ['prefetch', '0'],
    ['prefetch', '65536'],
    ['exchange', ''],
    ['exchange', 'x'.repeat(256)],
    ['exchange-type', 'x-delayed-message'],
    ['routing-keys', ' , '],
    ['match-headers', 'region'],
    ['match-headers', 'x-match=all'],
    ['queue', 'a\u0000b'],
    ['queue-type', 'fast'],
    ['stream-offset', 'yesterday'],
    ['stream-offset', '2026-13-01T00:00:00Z'],
    ['reply', 'yes'],
    ['consumer-priority', '1e3'],
  ])('%s: %j is reported with what is allowed, and counts as absent', (name, value) => {
    const { annotations, problems } = read({ [name]: value })
    expect(annotations).toEqual({ routingKeys: [], reply: false, replyErrors: false })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ function: 'pay.prod', annotation: `com.openfaas.connector.${name}` })
  })

  it('T40 never throw, whatever they hold, and report in bounds', () => {
    const names = rabbitmqAnnotations.map((name) => name.replace('com.openfaas.connector.', ''))
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 80 })), (annotations) => {
        for (const { reason } of read(annotations).problems) {
          expect(reason.length).toBeLessThanOrEqual(300)
          expect(reason).not.toMatch(/\p{Cc}/u)
        }
      }),
      { numRuns: 50 },
    )
  })
})
