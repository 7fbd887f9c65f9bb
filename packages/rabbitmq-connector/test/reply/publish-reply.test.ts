import { silentLogger } from '@millrace/sdk'
import type { Logger, LogFields, RouteResult } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import { publishReply } from '../../src/reply/publish-reply.ts'
import type { ReplyOptions } from '../../src/reply/publish-reply.ts'
import type { MessageProperties } from '../../src/transport/message.ts'
import { FakePublisher } from '../fake-publisher.ts'
import { context, messageWith, plan } from '../mapping/messages.ts'

const done: RouteResult = {
  target: { function: 'ship', attempts: 2 },
  outcome: 'done',
  status: 200,
  reply: { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), truncated: false },
}
const buried: RouteResult = { target: { function: 'ship', attempts: 10 }, outcome: 'dead-lettered', status: 503, reason: 'exhausted' }

const send = async (
  result: RouteResult,
  {
    publisher = new FakePublisher(),
    from = {},
    ...more
  }: Partial<ReplyOptions> & { publisher?: FakePublisher; from?: Partial<MessageProperties> } = {},
) => {
  const { event } = messageToEvent(messageWith({ messageId: 'm', replyTo: 'answers', correlationId: 'c', ...from }), plan(), context)
  const outcome = await publishReply(event, result, {
    publisher,
    wish: { reply: true, replyErrors: false },
    isOwn: (queue) => queue === 'orders',
    clock: { now: () => 1_764_000_000_000 },
    logger: silentLogger,
    ...more,
  })
  return { outcome, sent: publisher.published }
}

describe('a reply', () => {
  it('goes to replyTo by the default exchange, with correlation id, content type and status', async () => {
    const { outcome, sent } = await send(done)
    expect(outcome).toBe('confirmed')
    expect(sent).toEqual([
      {
        mandatory: true,
        message: {
          exchange: '',
          routingKey: 'answers',
          body: Buffer.from('{}'),
          properties: {
            correlationId: 'c',
            contentType: 'application/json',
            deliveryMode: 2,
            timestamp: 1_764_000_000_000,
            headers: new Map([
              ['millrace-event-id', 'rabbitmq:%2F/orders/m'],
              ['millrace-function', 'ship'],
              ['millrace-status', '200'],
              ['millrace-attempts', '2'],
            ]),
          },
        },
      },
    ])
  })

  it('says that it was cut, and has no property that does not fit', async () => {
    const headers = { 'content-type': 'x'.repeat(300), 'content-encoding': ['gzip', 'br'] }
    const { sent } = await send({ ...done, reply: { status: 200, headers, body: new Uint8Array(1), truncated: true } })
    expect(sent[0]?.message.properties).toMatchObject({ contentEncoding: 'gzip' })
    expect(sent[0]?.message.properties.contentType).toBeUndefined()
    expect(sent[0]?.message.properties.headers.get('millrace-truncated')).toBe('true')
  })

  it('to a requester without a queue is not mandatory: the broker would not say either way', async () => {
    const { sent } = await send(done, { from: { replyTo: 'amq.rabbitmq.reply-to.g1h2' } })
    expect(sent[0]?.mandatory).toBe(false)
  })

  it.each<[string, RouteResult, ReplyOptions['wish'], Partial<MessageProperties>]>([
    ['the function does not want it', done, { reply: false, replyErrors: true }, {}],
    ['nobody asks', done, { reply: true, replyErrors: true }, { replyTo: '' }],
    ['the work is only accepted', { ...done, outcome: 'accepted' }, { reply: true, replyErrors: true }, {}],
    ['the retry is still to come', { ...done, outcome: 'deferred' }, { reply: true, replyErrors: true }, {}],
    ['it failed, and errors are not wanted', buried, { reply: true, replyErrors: false }, {}],
  ])('is not sent when %s', async (_what, result, wish, from) => {
    expect(await send(result, { wish, from })).toEqual({ outcome: 'none', sent: [] })
  })

  it('tells of a final failure where that is wanted', async () => {
    const { outcome, sent } = await send(buried, { wish: { reply: true, replyErrors: true } })
    expect(outcome).toBe('confirmed')
    expect(Object.fromEntries(sent[0]?.message.properties.headers ?? [])).toMatchObject({
      'millrace-status': '503',
      'millrace-reason': 'exhausted',
    })
    expect(sent[0]?.message.body).toHaveLength(0)
  })

  it('is never sent to a queue of the connector, where it would be taken for an event', async () => {
    expect(await send(done, { from: { replyTo: 'orders' } })).toEqual({ outcome: 'failed', sent: [] })
  })

  it('that was not confirmed is sent again, so that the function is not called again', async () => {
    const publisher = new FakePublisher()
    publisher.refusals.push('E_RABBITMQ_UNCONFIRMED')
    expect((await send(done, { publisher })).outcome).toBe('confirmed')
    publisher.refusals.push('E_RABBITMQ_UNCONFIRMED', 'E_RABBITMQ_UNCONFIRMED')
    await expect(send(done, { publisher })).rejects.toMatchObject({ code: 'E_RABBITMQ_UNCONFIRMED' })
  })

  it.each([
    ['E_RABBITMQ_UNROUTABLE', 'unroutable'],
    ['E_RABBITMQ_DENIED', 'failed'],
  ] as const)('%s ends it, said in the log with no byte of it: the call was made', async (code, outcome) => {
    const publisher = new FakePublisher()
    publisher.refusals.push(code)
    const lines: [string, LogFields | undefined][] = []
    const logger: Logger = { ...silentLogger, warn: (text, fields) => lines.push([text, fields]) }
    expect((await send(done, { publisher, logger, from: { replyTo: 'a\nb' } })).outcome).toBe(outcome)
    expect(lines).toHaveLength(1)
    expect(lines[0]?.[1]).toMatchObject({ event_id: 'rabbitmq:%2F/orders/m', function: 'ship', reply_to: 'a\\u{a}b', code })
  })
})
