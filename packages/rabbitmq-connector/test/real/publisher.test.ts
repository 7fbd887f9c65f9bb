import { Secret } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import type { PublisherOptions } from '../../src/transport/publisher.ts'
import type { Publisher } from '../../src/transport/transport.ts'
import { openPublisher, queueOf } from './publisher-kit.ts'
import { codeOf, messageTo, TransportBench } from './transport-kit.ts'

let bench: TransportBench
beforeEach(async () => {
  bench = await TransportBench.open()
}, 120_000)
afterEach(() => bench.close())

const newQueue = (args: Readonly<Record<string, unknown>> = {}): Promise<string> => queueOf(bench, args)

const publisherOf = (options: PublisherOptions = {}, connection: Parameters<TransportBench['connection']>[0] = {}): Publisher =>
  openPublisher(bench, options, connection)

describe('a publisher', () => {
  it('resolves when the broker has it, in order, with few out at once', async () => {
    const queue = await newQueue()
    const publisher = publisherOf({ maxOutstanding: 8, maxOutstandingBytes: 4000 })
    const bodies = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(i % 50 === 0 ? 5000 : 100)}`)
    await Promise.all(bodies.map((body) => publisher.publish(messageTo(queue, body))))
    const taken = await bench.broker.take(queue, 1000)
    expect(taken.map(({ content }) => content.toString())).toEqual(bodies)
  })

  it('tells which of its messages no queue takes', async () => {
    const queue = await newQueue()
    const publisher = publisherOf()
    const codes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const headers = new Map([['n', i]])
        const message = i % 3 === 0 ? messageTo('nowhere', 'same', { headers }) : messageTo(queue, 'same', { headers })
        return codeOf(publisher.publish(message, { mandatory: i % 2 === 0 }))
      }),
    )
    // Without `mandatory` the broker drops it and confirms.
    expect(codes).toEqual(codes.map((_, i) => (i % 6 === 0 ? 'E_RABBITMQ_UNROUTABLE' : 'none')))
  })

  it('to a missing exchange: that message says so, the others are unconfirmed and may come again', async () => {
    const queue = await newQueue()
    const publisher = publisherOf()
    await publisher.publish(messageTo(queue))
    const codes = await Promise.all([
      codeOf(publisher.publish({ ...messageTo(queue), exchange: 'missing' })),
      codeOf(publisher.publish(messageTo(queue))),
    ])
    expect(codes).toEqual(['E_RABBITMQ_EXCHANGE_MISSING', 'E_RABBITMQ_UNCONFIRMED'])
    expect(await codeOf(publisher.publish(messageTo(queue)))).toBe('none')
  })

  it('to an exchange that the user may not write', async () => {
    const vhost = uniqueName('v')
    await bench.broker.addVhost(vhost)
    bench.atEnd(() => bench.broker.deleteVhost(vhost))
    const { username, password } = bench.broker.credentials.alice
    await bench.broker.setPermissions(username, { configure: '', write: '^mine', read: '' }, vhost)
    const publisher = publisherOf({}, { vhost, material: async () => ({ login: { username, password: new Secret(password) } }) })
    expect(await codeOf(publisher.publish(messageTo('q')))).toBe('E_RABBITMQ_DENIED')
    expect(await codeOf(publisher.publish({ ...messageTo('q'), exchange: 'amq.topic' }))).toBe('E_RABBITMQ_DENIED')
  })

  it('headers above 64 KiB, nested too deep, a routing key above 255 bytes: only that message', async () => {
    const queue = await newQueue()
    const publisher = publisherOf()
    const deep = Array.from({ length: 100 }).reduce<readonly unknown[]>((inner) => [inner], []) as never
    const codes = await Promise.all([
      codeOf(publisher.publish(messageTo(queue, 'x', { headers: new Map([['big', 'x'.repeat(66_000)]]) }))),
      codeOf(publisher.publish(messageTo(queue, 'x', { headers: new Map([['deep', deep]]) }))),
      codeOf(publisher.publish(messageTo('k'.repeat(256)))),
      codeOf(publisher.publish(messageTo(queue, 'x', { headers: new Map([['large', 'x'.repeat(60_000)]]) }))),
    ])
    expect(codes).toEqual([...Array.from({ length: 3 }, () => 'E_RABBITMQ_HEADERS_TOO_LARGE'), 'none'])
  })

  it('is told when a queue refuses: a limit with reject-publish', async () => {
    const queue = await newQueue({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
    const publisher = publisherOf()
    await publisher.publish(messageTo(queue))
    await expect(publisher.publish(messageTo(queue))).rejects.toThrow(/^E_RABBITMQ_UNCONFIRMED .*nack/)
    expect(await codeOf(publisher.publish(messageTo(queue), { mandatory: true }))).toBe('E_RABBITMQ_UNCONFIRMED')
  })

  it('a lost link: what was out is unconfirmed, what comes next goes over the next link', async () => {
    const queue = await newQueue()
    const door = await bench.door()
    const publisher = publisherOf({}, { hosts: [{ host: '127.0.0.1', port: door.port }] })
    await publisher.publish(messageTo(queue))
    door.freeze()
    const out = publisher.publish(messageTo(queue))
    out.catch(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    door.reset()
    door.thaw()
    await expect(out).rejects.toThrow(/^E_RABBITMQ_UNCONFIRMED .*E_RABBITMQ_CONNECTION/)
    expect(await codeOf(publisher.publish(messageTo(queue)))).toBe('none')
  })

  it('no confirm in time, or no broker at all: unconfirmed, and close() is bounded', async () => {
    const queue = await newQueue()
    const door = await bench.door()
    const publisher = publisherOf({ confirmTimeoutMs: 600 }, { hosts: [{ host: '127.0.0.1', port: door.port }], probeTimeoutMs: 300 })
    await publisher.publish(messageTo(queue))
    door.freeze()
    await expect(publisher.publish(messageTo(queue))).rejects.toThrow(/^E_RABBITMQ_UNCONFIRMED .*no confirm within/)
    await expect(publisher.publish(messageTo(queue))).rejects.toThrow(/^E_RABBITMQ_UNCONFIRMED .*not sent within/)
    const last = codeOf(publisher.publish(messageTo(queue)))
    await publisher.close()
    expect(await last).toBe('E_RABBITMQ_UNCONFIRMED')
    expect(await codeOf(publisher.publish(messageTo(queue)))).toBe('E_RABBITMQ_UNCONFIRMED')
  })
})
