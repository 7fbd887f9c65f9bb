import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAlive } from '../processes/is-alive.ts'
import { connectTo, publishConfirmed, rabbitmq, withChannel, type ConfirmChannel, type RabbitmqServer } from './rabbitmq.ts'
import { startToxiproxy, type Toxiproxy } from './toxiproxy.ts'

let toxiproxy: Toxiproxy
let server: RabbitmqServer

beforeAll(async () => {
  toxiproxy = await startToxiproxy()
  server = await rabbitmq.single({ toxiproxy })
  await server.declareQueue('kept')
  await server.publish('kept', ['one', 'two'])
}, 300_000)

afterAll(async () => {
  await server.stop()
  await toxiproxy.stop()
}, 60_000)

/** A message on its way, and whether the broker has confirmed it. */
const publishing = (channel: ConfirmChannel, queue: string): { readonly done: Promise<void>; isConfirmed(): boolean } => {
  let confirmed = false
  const done = publishConfirmed(channel, { exchange: '', routingKey: queue }, 'x').then(() => void (confirmed = true))
  return { done, isConfirmed: () => confirmed }
}

test('an alarm holds up what is published and says so; it clears', { timeout: 60_000 }, async () => {
  await server.declareQueue('alarmed')
  for (const which of ['memory', 'disk'] as const) {
    const connection = await connectTo(server.url())
    const channel = await connection.createConfirmChannel()
    const states: string[] = []
    connection.on('blocked', (reason: string) => states.push(`blocked: ${reason}`))
    connection.on('unblocked', () => states.push('unblocked'))
    await server.alarm(which, true)
    const message = publishing(channel, 'alarmed')
    await expect.poll(() => states, { timeout: 10_000 }).toEqual([expect.stringMatching(`blocked: .*${which}`)])
    expect(message.isConfirmed()).toBe(false)
    await server.alarm(which, false)
    await message.done
    expect(states.at(-1)).toBe('unblocked')
    await connection.close()
  }
})

test('paused, it answers nothing and cuts nothing; resumed, it goes on', { timeout: 60_000 }, async () => {
  await withChannel(server.url(), async (channel) => {
    server.broker.pause()
    const message = publishing(channel, 'alarmed')
    await pause(300)
    expect(message.isConfirmed()).toBe(false)
    server.broker.resume()
    await message.done
  })
})

test('a client behind the proxy loses its connection while others keep theirs', { timeout: 60_000 }, async () => {
  const behind = await connectTo(server.url({ door: 'proxied' }))
  const lost = new Promise((resolve) => behind.once('close', resolve))
  await withChannel(server.url(), async (channel) => {
    await server.proxy?.disable()
    await lost
    await publishConfirmed(channel, { exchange: '', routingKey: 'alarmed' }, 'x')
  })
  await server.proxy?.heal()
})

test('what was confirmed is there after kill -9 and start, on the same ports', { timeout: 120_000 }, async () => {
  const { pid } = server.broker
  await server.settle()
  await server.broker.kill9()
  expect(isAlive(pid)).toBe(false)
  expect(server.broker.running).toBe(false)
  await server.broker.start()
  expect(server.broker.pid).not.toBe(pid)
  await server.awaitDepth('kept', { ready: 2, unacked: 0 })
  expect((await server.take('kept', 9)).map(({ content }) => content.toString())).toEqual(['one', 'two'])
  // The door that is opened after each start.
  const { ca, client } = server.certificates
  await (await connectTo(server.url({ door: 'mtls' }), { ca, ...client })).close()
})

test('4.0 too: what was confirmed is there after a kill -9; stopped, nothing of it stays', { timeout: 600_000 }, async () => {
  const newer = await rabbitmq.single({ version: '4.0' })
  const started: number[] = []
  try {
    const connection = await connectTo(newer.url())
    const { version } = (connection.connection as unknown as { serverProperties: { version: string } }).serverProperties
    expect(version).toMatch(/^4\.0\./)
    await connection.close()
    await newer.declareQueue('kept')
    await newer.publish('kept', ['one'])
    await newer.settle()
    started.push(newer.broker.pid)
    await newer.broker.kill9()
    await newer.broker.start()
    started.push(newer.broker.pid, newer.broker.epmdPid)
    await newer.awaitDepth('kept', { ready: 1, unacked: 0 })
    await newer.alarm('memory', true)
    await newer.alarm('memory', false)
  } finally {
    await newer.stop()
  }
  expect(started.filter(isAlive)).toEqual([])
  expect(existsSync(newer.broker.folder)).toBe(false)
})
