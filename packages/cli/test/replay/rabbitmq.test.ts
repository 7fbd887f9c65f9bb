import { fakeGateway } from '@millrace/sdk/testing'
import { beforeAll, expect, test } from 'vitest'
import { publishConfirmed, rabbitmq, uniqueName, withChannel } from '../../../../test/servers/rabbitmq.ts'
import { folderOf, later, run } from '../kit.ts'

beforeAll(() => rabbitmq.shared(), 180_000)

const credentialsOf = async () => {
  const { host, port, credentials } = await rabbitmq.shared()
  const { username, password } = credentials.admin
  return { place: `rabbitmq://${host}:${port}`, env: { rabbitmq_username: username, rabbitmq_password: password } }
}

test('letters in a RabbitMQ queue are delivered again, each to its function, and leave the queue; all else stays there', async () => {
  const broker = await rabbitmq.shared()
  const { place, env } = await credentialsOf()
  const vhost = uniqueName('replay/ed')
  const queue = 'orders.dlq'
  await broker.addVhost(vhost)
  later(() => broker.deleteVhost(vhost))
  await broker.declareQueue(queue, { vhost })
  const letter = (id: string, name: string) => ({
    'millrace-event-id': id,
    'millrace-target': name,
    'millrace-function': name,
    'millrace-reason': 'exhausted',
    'millrace-died-at': '1700000000000',
  })
  await withChannel(broker.url({ vhost }), async (channel) => {
    const at = { exchange: '', routingKey: queue }
    await publishConfirmed(channel, at, 'one', { headers: letter('e-1', 'good.openfaas-fn') })
    await publishConfirmed(channel, at, 'two', { headers: letter('e-2', 'other.openfaas-fn') })
    await publishConfirmed(channel, at, 'three', { headers: letter('e-3', 'broken.openfaas-fn') })
    await publishConfirmed(channel, at, 'dead-lettered by the broker itself')
  })
  const gateway = await fakeGateway({ functions: { good: {}, other: {}, broken: () => ({ status: 422 }) } })
  later(() => gateway.close())
  const cwd = folderOf()
  const address = `${place}/${encodeURIComponent(vhost)}/${queue}`
  const replay = (...more: readonly string[]) => run(['replay', address, '--gateway', gateway.url, '--json', ...more], { cwd, env })
  const plan = await replay('--dry-run')
  expect(plan.json(), plan.err).toMatchObject({ letters: 3, selected: 3 })
  expect(await broker.depth(queue, vhost)).toEqual({ ready: 4, unacked: 0 })
  const first = await replay('--only-function', 'good')
  expect(first.json(), first.err).toMatchObject({ letters: 3, delivered: 1, failed: 0, left: 0, unreadable: 1, removed: 1 })
  expect(await broker.depth(queue, vhost)).toEqual({ ready: 3, unacked: 0 })
  const second = await replay()
  expect(second.json(), second.err).toMatchObject({ letters: 2, delivered: 1, failed: 1, removed: 1 })
  // Recorded before, and taken out already: said for people too.
  const text = await run(['replay', address, '--gateway', gateway.url, '--only-function', 'good'], { cwd, env })
  expect(text.out, text.err).toMatch(/0 to deliver[^]*\n0 letters that were delivered are taken out of the queue\n$/)
  const paths = ['good', 'other', 'broken'].map((name) => `/function/${name}.openfaas-fn`)
  expect(new Set(gateway.requests.map(({ path }) => path))).toEqual(new Set(paths))
  expect(gateway.requests.map((request) => request.body.toString()).toSorted()).toEqual(['one', 'three', 'two'])
  expect((await broker.take(queue, 9, vhost)).map(({ content }) => content.toString())).toEqual([
    'three',
    'dead-lettered by the broker itself',
  ])
}, 90_000)

test('an address that is none is refused, and a queue that is not there is named', async () => {
  for (const wrong of [
    'rabbitmq://',
    'rabbitmq://host',
    'rabbitmq://host:1/',
    'rabbitmq://h/a/b/c',
    'rabbitmq://h/%zz',
    'rabbitmq://u:p@h/q',
  ])
    expect(await run(['replay', wrong]), wrong).toMatchObject({ code: 2 })
  const { place, env } = await credentialsOf()
  const missing = await run(['replay', `${place}/${uniqueName('none')}`], { cwd: folderOf(), env })
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('E_RABBITMQ_QUEUE_MISSING') as unknown })
}, 60_000)
