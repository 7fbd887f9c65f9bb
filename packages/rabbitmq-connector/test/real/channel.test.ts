import { Secret } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { DeliveredMessage, FieldTable, FieldValue } from '../../src/transport/message.ts'
import type { AmqpLink, ConsumeHandlers } from '../../src/transport/transport.ts'
import { createPublisher } from '../../src/transport/publisher.ts'
import { publishNested } from './nested-headers.ts'
import { codeOf, lossOf, messageTo, TransportBench } from './transport-kit.ts'

let bench: TransportBench
let link: AmqpLink
beforeEach(async () => {
  bench = await TransportBench.open()
  link = await bench.connection().link(5000)
}, 120_000)
afterEach(() => bench.close())

const newQueue = async (args: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const queue = uniqueName('q')
  await bench.broker.declareQueue(queue, { type: 'classic', arguments: args })
  bench.atEnd(() => bench.broker.deleteQueue(queue).catch(() => undefined))
  return queue
}

/** What a consumer was given. */
const collector = (): ConsumeHandlers & { messages: DeliveredMessage[]; cancelled: number } => {
  const seen = {
    messages: [] as DeliveredMessage[],
    cancelled: 0,
    onMessage: (message: DeliveredMessage) => void seen.messages.push(message),
    onCancelled: () => void (seen.cancelled += 1),
  }
  return seen
}

const noHandlers: ConsumeHandlers = { onMessage: () => undefined, onCancelled: () => undefined }

describe('a channel', () => {
  it('consumes up to its prefetch, acknowledges up to a tag, and gives the rest back when it closes', async () => {
    const queue = await newQueue()
    await bench.broker.publish(queue, ['a', 'b', 'c', 'd'])
    const channel = await link.openChannel()
    await channel.prefetch(3)
    const seen = collector()
    await channel.consume(queue, { consumerTag: 'one' }, seen)
    await expect.poll(() => seen.messages.length).toBe(3)
    channel.ack(2, true)
    await expect.poll(() => seen.messages.length).toBe(4)
    await channel.close()
    expect([channel.lost.aborted, await lossOf(channel.lost)]).toEqual([true, 'none'])
    await bench.broker.awaitDepth(queue, { ready: 2, unacked: 0 })
    expect(seen.messages.map(({ body, redelivered }) => [Buffer.from(body).toString(), redelivered])).toEqual([
      ['a', false],
      ['b', false],
      ['c', false],
      ['d', false],
    ])
  })

  it('gives nothing more after cancel() has resolved, and what it holds can still be acknowledged', async () => {
    const queue = await newQueue()
    const channel = await link.openChannel()
    const seen = collector()
    await channel.consume(queue, { consumerTag: 'one' }, seen)
    await bench.broker.publish(queue, ['a'])
    await expect.poll(() => seen.messages.length).toBe(1)
    await channel.cancel('one')
    channel.ack(1)
    await bench.broker.publish(queue, ['b'])
    await bench.broker.awaitDepth(queue, { ready: 1, unacked: 0 })
    expect([seen.messages.length, seen.cancelled]).toEqual([1, 0])
  })

  it('says when the broker ends a consumer, and stays open', async () => {
    const queue = await newQueue()
    const channel = await link.openChannel()
    const seen = collector()
    await channel.consume(queue, { consumerTag: 'one' }, seen)
    await bench.broker.deleteQueue(queue)
    await expect.poll(() => seen.cancelled).toBe(1)
    expect(channel.lost.aborted).toBe(false)
    expect(await codeOf(channel.checkQueue(queue))).toBe('E_RABBITMQ_QUEUE_MISSING')
  })

  it('a double acknowledgement costs that channel alone, and what comes after it on the channel does nothing', async () => {
    const queue = await newQueue()
    await bench.broker.publish(queue, ['a'])
    const [channel, other] = [await link.openChannel(), await link.openChannel()]
    const seen = collector()
    await channel.consume(queue, { consumerTag: 'one' }, seen)
    await expect.poll(() => seen.messages.length).toBe(1)
    channel.ack(1)
    channel.ack(1)
    expect(await lossOf(channel.lost)).toBe('E_RABBITMQ_PRECONDITION')
    channel.ack(1)
    channel.nack(2, true)
    channel.reject(3, false)
    expect(await codeOf(channel.checkQueue(queue))).toBe('E_RABBITMQ_PRECONDITION')
    expect(await codeOf(other.checkQueue(queue))).toBe('none')
    expect(link.lost.aborted).toBe(false)
  })

  it('goes on when what it calls throws', async () => {
    const queue = await newQueue()
    const channel = await link.openChannel()
    const seen = collector()
    await channel.consume(
      queue,
      { consumerTag: 'one' },
      {
        ...seen,
        onMessage: (message) => {
          seen.onMessage(message)
          throw new Error('of the handler')
        },
      },
    )
    await bench.broker.publish(queue, ['a', 'b'])
    await expect.poll(() => seen.messages.length).toBe(2)
    expect(channel.lost.aborted).toBe(false)
  })

  it('tells what the broker refuses by its code', async () => {
    const queue = await newQueue()
    const options = { durable: true, exclusive: false, autoDelete: false, arguments: new Map() }
    const onOne = async (call: Parameters<typeof attempt>[1]): Promise<string> => attempt(link, call)
    expect(await onOne((channel) => channel.consume('missing', { consumerTag: 'x' }, noHandlers))).toBe('E_RABBITMQ_QUEUE_MISSING')
    expect(await onOne((channel) => channel.bindQueue(queue, 'missing', 'key'))).toBe('E_RABBITMQ_EXCHANGE_MISSING')
    expect(await onOne((channel) => channel.checkExchange('missing'))).toBe('E_RABBITMQ_EXCHANGE_MISSING')
    const quorum = new Map([['x-queue-type', 'quorum']])
    expect(await onOne((channel) => channel.assertQueue(queue, { ...options, arguments: quorum }))).toBe('E_RABBITMQ_PRECONDITION')
    expect(await onOne((channel) => channel.assertQueue(`${queue}-${'x'.repeat(255)}`, options))).toBe('E_RABBITMQ_CHANNEL')
    // amqplib would wait for the answer to what it has not sent: the channel is not used again.
    const stuck = await link.openChannel()
    await codeOf(stuck.checkQueue('x'.repeat(256)))
    expect([await lossOf(stuck.lost, 1000), await codeOf(stuck.checkQueue(queue))]).toEqual(['E_RABBITMQ_CHANNEL', 'E_RABBITMQ_CHANNEL'])
    await (await link.openChannel()).consume(queue, { consumerTag: 'x', exclusive: true }, noHandlers)
    expect(await onOne((channel) => channel.consume(queue, { consumerTag: 'y' }, noHandlers))).toBe('E_RABBITMQ_LOCKED')
    expect(link.lost.aborted).toBe(false)
  })

  it('tells what the user may not do', async () => {
    const vhost = uniqueName('v')
    await bench.broker.addVhost(vhost)
    bench.atEnd(() => bench.broker.deleteVhost(vhost))
    const { username, password } = bench.broker.credentials.alice
    await bench.broker.setPermissions(username, { configure: '^mine', write: '', read: '' }, vhost)
    const alice = await bench
      .connection({ vhost, material: async () => ({ login: { username, password: new Secret(password) } }) })
      .link(5000)
    const options = { durable: true, exclusive: false, autoDelete: false, arguments: new Map() }
    expect(await attempt(alice, (channel) => channel.assertQueue('other', options))).toBe('E_RABBITMQ_DENIED')
    expect(await attempt(alice, (channel) => channel.assertQueue('mine', options))).toBe('none')
    expect(await attempt(alice, (channel) => channel.consume('mine', { consumerTag: 'x' }, noHandlers))).toBe('E_RABBITMQ_DENIED')
  })

  it('gets single messages, for tools', async () => {
    const queue = await newQueue()
    await bench.broker.publish(queue, ['a'])
    const channel = await link.openChannel()
    expect(Buffer.from((await channel.get(queue))?.body ?? []).toString()).toBe('a')
    expect(await channel.get(queue)).toBeUndefined()
    await channel.deleteQueue(queue, { ifEmpty: false, ifUnused: false })
    expect(await codeOf(channel.checkQueue(queue))).toBe('E_RABBITMQ_QUEUE_MISSING')
  })
})

const attempt = async (
  over: AmqpLink,
  call: (channel: Awaited<ReturnType<AmqpLink['openChannel']>>) => Promise<unknown>,
): Promise<string> => {
  const channel = await over.openChannel()
  const code = await codeOf(call(channel))
  await channel.close()
  return code
}

describe('a message arrives as it was sent', () => {
  it('with every property, every kind of header, and bodies from 0 bytes to 10 MiB', async () => {
    const queue = await newQueue()
    const nested: FieldTable = new Map<string, FieldValue>([
      ['!', 'no mark'],
      ['value', 1],
    ])
    const headers: FieldTable = new Map<string, FieldValue>([
      ['text', 'é\r\n'],
      ['bytes', Buffer.from([0, 255])],
      ['whole', 2 ** 40],
      ['low', -(2 ** 63)],
      ['fraction', 1.5],
      ['huge', -1e300],
      ['yes', true],
      ['nothing', null],
      ['time', { kind: 'timestamp', ms: 1_700_000_000_000 }],
      ['decimal', { kind: 'decimal', value: 314, places: 2 }],
      ['list', [1, 'two', [3]]],
      ['table', nested],
      ['constructor', 'own'],
      ['Content-Length', '7'],
    ])
    const properties = {
      contentType: 'text/plain',
      contentEncoding: 'identity',
      deliveryMode: 2,
      priority: 3,
      correlationId: 'c',
      replyTo: 'r',
      messageId: 'm',
      timestamp: 1_700_000_000_000,
      type: 't',
      appId: 'a',
      headers,
    }
    const publisher = createPublisher(bench.connection({}, 'publish'))
    bench.atEnd(() => publisher.close())
    const bodies = [Buffer.alloc(0), Buffer.from('1'), Buffer.alloc(10 * 1024 * 1024, 7)]
    for (const body of bodies) await publisher.publish({ ...messageTo(queue), body, properties })
    const channel = await link.openChannel()
    for (const body of bodies) {
      const message = await channel.get(queue)
      expect(message?.properties).toEqual(properties)
      expect(body.equals(message?.body ?? Buffer.from('none'))).toBe(true)
    }
  })

  it('with a name that poisons objects, which amqplib loses, and nothing else', async () => {
    const queue = await newQueue()
    const publisher = createPublisher(bench.connection({}, 'publish'))
    bench.atEnd(() => publisher.close())
    const headers = new Map<string, FieldValue>([
      ['__proto__', new Map([['polluted', 'x']])],
      ['toString', 'own'],
    ])
    await publisher.publish(messageTo(queue, 'x', { headers }))
    const message = await (await link.openChannel()).get(queue)
    expect(message?.properties.headers).toEqual(new Map([['toString', 'own']]))
  })

  it('with headers nested too deep for amqplib: marked, with all its other properties, and the connection stands', async () => {
    const queue = await newQueue()
    await publishNested(bench.broker, queue, 'body')
    await bench.broker.publish(queue, ['behind'])
    const channel = await link.openChannel()
    const seen = collector()
    await channel.consume(queue, { consumerTag: 'one' }, seen)
    await expect.poll(() => seen.messages.length, { timeout: 10_000 }).toBe(2)
    const [first, second] = seen.messages
    const known = { contentType: 'text/plain', contentEncoding: 'identity', deliveryMode: 2, priority: 3, correlationId: 'c', replyTo: 'r' }
    expect(first?.properties).toEqual({ ...known, messageId: 'm', headers: new Map() })
    expect(first?.undecodable).toMatch(/nested/)
    expect([Buffer.from(first?.body ?? []).toString(), Buffer.from(second?.body ?? []).toString()]).toEqual(['body', 'behind'])
    expect([second?.undecodable, link.lost.aborted]).toEqual([undefined, false])
  })

  it('without what would make the broker refuse a copy, or spread it', async () => {
    const [queue, other] = [await newQueue(), await newQueue()]
    const publisher = createPublisher(bench.connection({}, 'publish'))
    bench.atEnd(() => publisher.close())
    const headers = new Map<string, FieldValue>([
      ['CC', [other]],
      ['BCC', 'no list'],
      ['kept', 'x'],
      ['nan', Number.NaN],
      ['infinite', Number.NEGATIVE_INFINITY],
    ])
    await publisher.publish(messageTo(queue, 'x', { headers, userId: 'somebody', expiration: 'soon' }))
    const channel = await link.openChannel()
    expect((await channel.get(queue))?.properties).toEqual({
      deliveryMode: 2,
      headers: new Map([
        ['kept', 'x'],
        ['nan', 'NaN'],
        ['infinite', '-Infinity'],
      ]),
    })
    expect(await channel.get(other)).toBeUndefined()
  })
})
