import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import { scriptedBroker } from './scripted-broker.ts'
import { codeOf, lossOf, TransportBench } from './transport-kit.ts'

let bench: TransportBench
beforeEach(async () => {
  bench = await TransportBench.open()
}, 120_000)
afterEach(() => bench.close())

const behind = (port: number) => ({ hosts: [{ host: '127.0.0.1', port }] })

describe('a connection', () => {
  it('is made again, never dead and never gone, while it is closed and reset every 250 ms, also as it is being made', async () => {
    const door = await bench.door()
    const connectionName = uniqueName('cut')
    const connection = bench.connection({ ...behind(door.port), connectionName })
    const end = performance.now() + 5000
    let round = 0
    // Every second one is cut in the middle of its handshake or its probe.
    door.onConnection = () => {
      if (door.connections % 2 === 0 && performance.now() < end) setTimeout(() => door.reset(), (door.connections * 7) % 60)
    }
    while (performance.now() < end) {
      round += 1
      if (round % 2 === 0) door.reset()
      else await bench.broker.closeConnections(new RegExp(connectionName))
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    const link = await connection.link(5000)
    await (await link.openChannel()).close()
    expect(connection.reconnects).toBeGreaterThan(2)
    // Nothing is left of the ones before.
    await expect
      .poll(async () => (await bench.broker.connections()).filter((one) => one.clientName.startsWith(connectionName)).length, {
        timeout: 10_000,
      })
      .toBe(1)
  }, 40_000)

  it('that is closed by an operator says so and is made again at once', async () => {
    const connectionName = uniqueName('forced')
    const connection = bench.connection({ connectionName })
    const link = await connection.link(5000)
    const channel = await link.openChannel()
    await expect.poll(() => bench.broker.closeConnections(new RegExp(connectionName)), { timeout: 10_000 }).toBe(1)
    expect(await lossOf(link.lost)).toBe('E_RABBITMQ_CONNECTION')
    expect(String(link.lost.reason)).toMatch(/320/)
    expect(await lossOf(channel.lost)).toBe('E_RABBITMQ_CONNECTION')
    expect(await codeOf(link.openChannel())).toBe('E_RABBITMQ_CONNECTION')
    expect(await codeOf(connection.link(5000))).toBe('none')
  })

  it('into a black hole is given up within three heartbeats, and is back when the way is open', async () => {
    const door = await bench.door()
    const connection = bench.connection({ ...behind(door.port), heartbeatS: 1, connectTimeoutMs: 500 })
    const link = await connection.link(5000)
    const start = performance.now()
    door.freeze()
    expect(await lossOf(link.lost)).toBe('E_RABBITMQ_CONNECTION')
    expect(performance.now() - start).toBeLessThan(4500)
    expect(await codeOf(connection.link(700))).not.toBe('none')
    door.thaw()
    expect(await codeOf(connection.link(5000))).toBe('none')
  })

  it('that goes deaf between the handshake and the probe is abandoned, and another one is opened', async () => {
    const door = await bench.door()
    const connection = bench.connection({ ...behind(door.port), heartbeatS: 60, probeTimeoutMs: 500 })
    const link = await connection.link(5000)
    // Heartbeats would take two minutes: here the probe is what notices.
    door.reset()
    await lossOf(link.lost)
    const came = door.connections
    await expect.poll(() => door.connections, { interval: 1, timeout: 5000 }).toBeGreaterThan(came)
    door.freeze()
    setTimeout(() => door.thaw(), 1500)
    expect(await codeOf(connection.link(15_000))).toBe('none')
  })

  it('to a peer that sends a byte now and then, and so never meets the timeout of the socket, is abandoned', async () => {
    const server = await scriptedBroker({ trickleMs: 100 })
    bench.atEnd(() => server.close())
    const hosts = [
      { host: '127.0.0.1', port: server.port },
      { host: '127.0.0.1', port: bench.broker.port },
    ]
    const connection = bench.connection({ hosts, connectTimeoutMs: 300, probeTimeoutMs: 200 })
    expect(await codeOf(connection.link(8000))).toBe('none')
  })

  it('is closed in bounded time when nothing passes', async () => {
    const door = await bench.door()
    const connection = bench.connection({ ...behind(door.port), probeTimeoutMs: 500 })
    const link = await connection.link(5000)
    const channel = await link.openChannel()
    door.freeze()
    const start = performance.now()
    await channel.close()
    expect(channel.lost.aborted).toBe(true)
    await connection.close()
    expect(performance.now() - start).toBeLessThan(2500)
    expect(await lossOf(link.lost)).toBe('E_RABBITMQ_CONNECTION')
  })
})
