import { connect } from 'amqplib'
import { silentLogger } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rabbitmq, uniqueName } from '../../../../test/servers/rabbitmq.ts'
import { rabbitmqDeadLetters } from '../../src/dead-letters/rabbitmq-dead-letters.ts'
import { readRabbitmqLetters, removeRabbitmqLetters } from '../../src/dead-letters/read-rabbitmq-letters.ts'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { MappedMessage } from '../../src/mapping/message-to-event.ts'
import { publishReply } from '../../src/reply/publish-reply.ts'
import { deferRoutes } from '../../src/retry/defer-routes.ts'
import type { DeliveredMessage, FieldValue, MessageProperties } from '../../src/transport/message.ts'
import { isRefused } from '../../src/transport/amqp-errors.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import type { AmqpChannel, Publisher } from '../../src/transport/transport.ts'
import { letterOf } from '../dead-letters/letters.ts'
import { context, message, plan, properties, table } from '../mapping/messages.ts'
import { TransportBench } from './transport-kit.ts'

let bench: TransportBench
let publisher: Publisher
let channel: AmqpChannel
let queue: string
beforeAll(async () => {
  await rabbitmq.shared()
}, 120_000)
beforeEach(async () => {
  bench = await TransportBench.open()
  publisher = createPublisher(bench.connection({}, 'publish'))
  bench.atEnd(() => publisher.close())
  channel = await publisher.openChannel()
  queue = uniqueName('copies')
})
afterEach(() => bench.close())

const declare = async (name: string, more: readonly (readonly [string, FieldValue])[] = []): Promise<void> => {
  await channel.assertQueue(name, {
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: table(['x-queue-type', 'quorum'], ...more),
  })
  bench.atEnd(async () => bench.broker.deleteQueue(name))
}

/** As the connector does: what the broker gives up comes to the same queue as letters. */
const declareWithLetters = async (): Promise<void> => {
  await declare(`${queue}.dlq`)
  await declare(queue, [
    ['x-dead-letter-exchange', ''],
    ['x-dead-letter-routing-key', `${queue}.dlq`],
  ])
}

const next = async (from: string): Promise<DeliveredMessage> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await channel.get(from)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`no message came to ${from}`)
}

const tier = () => ({ delayMs: 500, queue: `${queue}.retry.500ms` })
const mapped = (from: DeliveredMessage): MappedMessage => messageToEvent(from, plan({ queue, tiers: [tier()] }), context)

const declareWithTier = async (): Promise<void> => {
  await declare(queue)
  await declare(tier().queue, [
    ['x-message-ttl', tier().delayMs],
    ['x-dead-letter-exchange', ''],
    ['x-dead-letter-routing-key', queue],
    ['x-dead-letter-strategy', 'at-least-once'],
    ['x-overflow', 'reject-publish'],
  ])
}

/** Publishes as somebody else does, by the admin's own client. */
const publish = (differs: Partial<MessageProperties>, headers: Record<string, unknown> = {}, body = 'x'): Promise<void> => {
  const { headers: _, timestamp, ...others } = properties(differs)
  return bench.broker.publish(queue, [body], { ...others, headers, ...(timestamp !== undefined && { timestamp: timestamp / 1000 }) })
}

describe('a retry through a delay queue of a real broker', () => {
  it('comes back once, in its time, as the event that it was, round after round', async () => {
    await declareWithTier()
    await publish(
      { messageId: 'm-1', expiration: '60000', userId: 'admin', priority: 2, correlationId: 'c', timestamp: 1_764_000_000_000, type: 't' },
      { n: 1, text: 'grün', nested: { list: [1, 'a', true] }, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    )
    const first = mapped(await next(queue))
    let now = first
    for (const attempts of [1, 2, 3]) {
      const began = performance.now()
      const used = await deferRoutes(publisher, {
        event: now.event,
        plan: { queue, tiers: [tier()], ordered: false },
        routes: [{ function: 'ship', attempts, firstAttemptAt: 5 }],
        afterMs: 500,
      })
      expect(used?.delayMs).toBe(500)
      now = mapped(await next(queue))
      expect(performance.now() - began).toBeGreaterThanOrEqual(490)
      expect(now.targets).toEqual([{ function: 'ship', attempts, firstAttemptAt: 5 }])
    }
    const shown = (from: MappedMessage) => ({
      ...from.event,
      headers: new Map(from.event.headers),
      attributes: new Map(
        from.event.attributes?.filter(([name]) => !['X-Rabbitmq-Delivery-Count', 'X-Rabbitmq-Redelivered'].includes(name)),
      ),
    })
    const before = shown(first)
    before.attributes.delete('X-Rabbitmq-User-Id')
    before.attributes.set('X-Rabbitmq-Origin-User-Id', 'admin')
    expect(shown(now)).toEqual(before)
    expect(await channel.get(queue)).toBeUndefined()
  })

  it('goes to nobody that the CC of the first message has named', async () => {
    await declareWithTier()
    const audit = `${queue}.audit`
    await declare(audit)
    await publish({ messageId: 'm-1' }, { CC: [audit] })
    await next(audit)
    const { event } = mapped(await next(queue))
    const request = { plan: { queue, tiers: [tier()], ordered: false }, routes: [{ function: 'ship', attempts: 1 }], afterMs: 500 }
    await deferRoutes(publisher, { event, ...request })
    const again = mapped(await next(queue))
    expect(new Map(again.event.headers).get('CC')).toBe(JSON.stringify([audit]))
    expect(await channel.get(audit)).toBeUndefined()
  })

  it('into a delay queue that is missing is refused, and one whose headers leave no room waits in process', async () => {
    await declare(queue)
    await publish({ messageId: 'm-1' })
    const request = { plan: { queue, tiers: [tier()], ordered: false }, routes: [{ function: 'ship', attempts: 1 }], afterMs: 500 }
    const { event } = mapped(await next(queue))
    await expect(deferRoutes(publisher, { event, ...request })).rejects.toMatchObject({ code: 'E_RABBITMQ_UNROUTABLE' })
    await publish({ messageId: 'm-2' }, { blob: 'x'.repeat(65_300) })
    const large = mapped(await next(queue))
    expect(await deferRoutes(publisher, { event: large.event, ...request })).toBeUndefined()
  })
})

describe('dead letters in a real queue', () => {
  const letters = () => ({ publisher, vhost: '/', queue: `${queue}.dlq` })
  const sink = (declares = true) =>
    rabbitmqDeadLetters({
      publisher,
      queueOf: (intake) => `${intake}.dlq`,
      declaration: () =>
        declares ? { durable: true, exclusive: false, autoDelete: false, arguments: table(['x-queue-type', 'quorum']) } : undefined,
    })
  const letter = (id: string, more: Partial<DeadLetter> = {}) =>
    letterOf(
      message({ properties: properties({ messageId: id, headers: table(['a', 'ü'], ['at', { kind: 'timestamp', ms: 5000 }]) }) }),
      more,
      plan({ queue }),
    )
  const all = async (): Promise<readonly DeadLetter[]> => {
    const read: DeadLetter[] = []
    for await (const one of readRabbitmqLetters(letters())) read.push(one)
    return read
  }

  it('make their queue, are read as often as one likes in their order, and stay', async () => {
    bench.atEnd(async () => bench.broker.deleteQueue(`${queue}.dlq`))
    const own = sink()
    await expect(sink(false).write(letter('x'))).rejects.toMatchObject({ code: 'E_RABBITMQ_LETTER_QUEUE_MISSING' })
    const written = Array.from({ length: 70 }, (_, n) => letter(`m-${n}`))
    for (const one of written) await own.write(one)
    for (let round = 0; round < 2; round += 1) {
      const read = await all()
      expect(read.map(({ event }) => event.id)).toEqual(written.map(({ event }) => event.id))
      expect(read[0]).toMatchObject({ function: 'ship', reason: 'exhausted', attempts: 10, intake: queue })
      expect(read[0]?.event.headers).toEqual([
        ['a', 'ü'],
        ['at', '1970-01-01T00:00:05.000Z'],
        ['millrace-hops', '1'],
      ])
    }
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 70, unacked: 0 })
    const held = await channel.get(`${queue}.dlq`)
    // Reading is no failure: the broker has not counted it.
    expect(held?.properties.headers.get('x-delivery-count') ?? 0).toBe(0)
  })

  it('that were delivered go when that is wanted; all else stays, also what the broker itself has put there', async () => {
    await declareWithLetters()
    await publish({ userId: 'admin', messageId: 'foreign' }, { x: 1 })
    channel.reject((await next(queue)).deliveryTag, false)
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 1 })
    for (const id of ['a', 'b', 'c']) await sink().write(letter(id, { function: id === 'c' ? 'bill' : 'ship' }))
    expect(await removeRabbitmqLetters(letters(), ({ event }) => Promise.resolve(event.id.endsWith('/a')))).toBe(1)
    let foreign = 0
    const ofShip: string[] = []
    for await (const { event } of readRabbitmqLetters({ ...letters(), function: 'ship', onForeign: () => (foreign += 1) }))
      ofShip.push(event.id)
    expect([foreign, ofShip]).toEqual([1, [`rabbitmq:%2F/${queue}/b`]])
    const theirs = await next(`${queue}.dlq`)
    expect(theirs.properties).toMatchObject({ messageId: 'foreign' })
    expect([...theirs.properties.headers.keys()]).toEqual(expect.arrayContaining(['x', 'x-death', 'millrace-origin-user-id']))
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 2, unacked: 1 })
  })

  it('are none of what the broker has put there, whatever its producer has written into its headers', async () => {
    await declareWithLetters()
    const forged = {
      'millrace-event-id': 'x',
      'millrace-reason': 'exhausted',
      'millrace-function': 'victim',
      'millrace-origin-queue': 'other',
    }
    await publish({ expiration: '1' }, forged)
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 1 })
    await sink().write(letter('m'))
    for (let round = 0; round < 2; round += 1) {
      let foreign = 0
      const functions: (string | undefined)[] = []
      for await (const one of readRabbitmqLetters({ ...letters(), onForeign: () => (foreign += 1) })) functions.push(one.function)
      expect([foreign, functions]).toEqual([1, ['ship']])
    }
  })

  it('T32 behind what cannot be written again, since its headers have no room, are read and taken out all the same', async () => {
    await declareWithLetters()
    // Just within 64 KiB, until the broker adds its x-death.
    await publish({ expiration: '1', messageId: 'large' }, { blob: 'x'.repeat(65_300) })
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 1 })
    for (const id of ['a', 'b']) await sink().write(letter(id))
    expect((await all()).map(({ event }) => event.id)).toEqual([`rabbitmq:%2F/${queue}/a`, `rabbitmq:%2F/${queue}/b`])
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 3, unacked: 0 })
    expect(await removeRabbitmqLetters(letters(), ({ event }) => Promise.resolve(event.id.endsWith('/a')))).toBe(1)
    await bench.broker.awaitDepth(`${queue}.dlq`, { ready: 2, unacked: 0 })
    expect((await next(`${queue}.dlq`)).properties.messageId).toBe('large')
  })

  it('T32 with headers that leave no room are written without them', async () => {
    await declare(queue)
    await declare(`${queue}.dlq`)
    await publish({ messageId: 'm-1' }, { blob: 'x'.repeat(65_300), a: 1 }, 'the body')
    const from = await next(queue)
    await sink().write(letterOf(from, {}, plan({ queue })))
    const written = await next(`${queue}.dlq`)
    expect(written.properties.headers.get('millrace-headers-omitted')).toBe('2')
    expect(Buffer.from(written.body).toString()).toBe('the body')
  })
})

describe('replies over a real broker', () => {
  const reply = (from: DeliveredMessage, status = 200) =>
    publishReply(
      mapped(from).event,
      {
        target: { function: 'ship', attempts: 1 },
        outcome: 'done',
        status,
        reply: { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from('done'), truncated: false },
      },
      { publisher, wish: { reply: true, replyErrors: false }, isOwn: () => false, clock: { now: () => 5000 }, logger: silentLogger },
    )

  it('reach the queue of the requester, and one that is gone does not hold the event up', async () => {
    await declare(queue)
    await declare(`${queue}.answers`)
    await publish({ replyTo: `${queue}.answers`, correlationId: 'c-1' })
    expect(await reply(await next(queue))).toBe('confirmed')
    const answer = await next(`${queue}.answers`)
    expect(answer.properties).toMatchObject({ correlationId: 'c-1', contentType: 'text/plain', timestamp: 5000 })
    expect(answer.properties.headers.get('millrace-status')).toBe('200')
    await publish({ replyTo: `${queue}.gone` })
    expect(await reply(await next(queue))).toBe('unroutable')
  })

  it('are refused by a queue that is full, which is told at once', async () => {
    await declare(queue)
    const full = `${queue}.full`
    await channel.assertQueue(full, {
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: table(['x-max-length', 0], ['x-overflow', 'reject-publish']),
    })
    bench.atEnd(async () => bench.broker.deleteQueue(full))
    await publish({ replyTo: full })
    const refused = await reply(await next(queue)).catch((error: unknown) => error)
    expect(isRefused(refused)).toBe(true)
  })

  it('reach a requester without a queue, and a name that is none of the broker’s does no harm', async () => {
    await declare(queue)
    const requester = await connect(bench.broker.url())
    bench.atEnd(() => requester.close())
    const own = await requester.createChannel()
    const answer = new Promise<string>((resolve) => {
      void own.consume('amq.rabbitmq.reply-to', (got) => resolve(`${got?.properties.correlationId}: ${got?.content.toString()}`), {
        noAck: true,
      })
    })
    own.sendToQueue(queue, Buffer.from('ask'), { replyTo: 'amq.rabbitmq.reply-to', correlationId: 'c-2' })
    expect(await reply(await next(queue))).toBe('confirmed')
    expect(await answer).toBe('c-2: done')
    await publish({ replyTo: 'amq.rabbitmq.reply-to.nonsense' })
    expect(await reply(await next(queue))).toBe('confirmed')
  })
})
