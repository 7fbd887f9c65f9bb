import { beforeAll, describe, expect, test } from 'vitest'
import { connectTo, rabbitmq, uniqueName, withChannel, type ConnectOptions, type SharedRabbitmq, type UrlOptions } from './rabbitmq.ts'

let server: SharedRabbitmq

beforeAll(async () => {
  server = await rabbitmq.shared()
}, 300_000)

/** Opens a channel: a login alone is not yet the right to a virtual host. */
const enter = (door: UrlOptions, options: ConnectOptions = {}): Promise<string> =>
  withChannel(server.url(door), () => Promise.resolve('in'), options)

test('messages go in and come out, with their properties, and the queue says how many it holds', async () => {
  const queue = uniqueName('round-trip')
  await server.declareQueue(queue)
  await server.publish(queue, ['a', 'b', 'c'], { messageId: 'm-1', headers: { one: 1 } })
  expect(await server.depth(queue)).toEqual({ ready: 3, unacked: 0 })
  const [first] = await server.take(queue, 1)
  expect(first?.content.toString()).toBe('a')
  expect(first?.properties).toMatchObject({ messageId: 'm-1', deliveryMode: 2, headers: { one: 1 } })
  const connection = await connectTo(server.url())
  const channel = await connection.createChannel()
  await channel.get(queue)
  expect(await server.depth(queue)).toEqual({ ready: 1, unacked: 1 })
  await connection.close()
  await server.awaitDepth(queue, { ready: 2, unacked: 0 })
  await server.purge(queue)
  expect(await server.depth(queue)).toEqual({ ready: 0, unacked: 0 })
  await server.deleteQueue(queue)
  expect(await server.depth(queue)).toBeUndefined()
})

test('exchanges and bindings, and the depth of a classic queue', async () => {
  const queue = uniqueName('bound')
  const exchange = uniqueName('exchange')
  await server.declareQueue(queue, { type: 'classic' })
  await server.declareExchange(exchange, 'topic')
  await server.bind(queue, exchange, 'orders.#')
  await withChannel(server.url(), async (channel) => {
    for (const key of ['orders.eu', 'other']) channel.publish(exchange, key, Buffer.from(key))
    await channel.waitForConfirms()
  })
  expect(await server.depth(queue)).toEqual({ ready: 1, unacked: 0 })
  await server.deleteQueue(queue)
})

test('every caller of a run gets the same broker', async () => {
  expect((await rabbitmq.shared()).node).toEqual(server.node)
  expect(process.env.MILLRACE_TEST_SERVERS).toMatch(/^http:/)
})

describe('TLS', () => {
  test('the broker shows a certificate of its authority, and clients of another one do not come in', async () => {
    const { ca, otherCa } = server.certificates
    expect(await enter({ door: 'tls' }, { ca })).toBe('in')
    await expect(enter({ door: 'tls' }, { ca: otherCa })).rejects.toThrow(/certificate/)
  })

  test('mTLS lets a client with a good certificate in and nobody else; EXTERNAL takes its CN as the user', async () => {
    const { ca, client, stranger, expiredClient } = server.certificates
    expect(await enter({ door: 'mtls' }, { ca, ...client })).toBe('in')
    expect(await enter({ door: 'mtls', user: 'external' }, { ca, ...client, external: true })).toBe('in')
    await expect(enter({ door: 'mtls' }, { ca })).rejects.toThrow(/certificate required/)
    await expect(enter({ door: 'mtls' }, { ca, ...stranger })).rejects.toThrow(/unknown ca/)
    await expect(enter({ door: 'mtls' }, { ca, ...expiredClient })).rejects.toThrow(/certificate expired/)
  })
})

test('rights: a user may do nothing until it is allowed to, and only where it is', async () => {
  const user = { username: uniqueName('user'), password: 'one' }
  const vhost = uniqueName('vhost')
  await server.addUser(user)
  await server.addVhost(vhost)
  await expect(enter({ user })).rejects.toThrow(/ConnectionClose/)
  await server.setPermissions(user.username, { configure: '', write: '', read: '.*' })
  expect(await enter({ user })).toBe('in')
  await expect(enter({ user, vhost })).rejects.toThrow(/ConnectionClose/)
  expect(await enter({ vhost })).toBe('in')
  const declare = (): Promise<unknown> =>
    withChannel(server.url({ user }), (channel) => channel.assertQueue('forbidden', { exclusive: true }))
  await expect(declare()).rejects.toThrow(/403 \(ACCESS-REFUSED\)/)
  await server.changePassword(user.username, 'two')
  await expect(enter({ user })).rejects.toThrow(/403/)
  expect(await enter({ user: { ...user, password: 'two' } })).toBe('in')
  await server.deleteVhost(vhost)
})

test('connections are ended by their names, at once', async () => {
  const name = uniqueName('doomed')
  const connection = await connectTo(server.url(), { name })
  const closed = new Promise<Error>((resolve) => connection.once('close', resolve))
  expect(await server.closeConnections(new RegExp(`^${name}$`))).toBe(1)
  expect((await closed).message).toMatch(/320 \(CONNECTION-FORCED\)/)
})
