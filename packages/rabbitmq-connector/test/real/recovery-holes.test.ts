import { connect } from 'amqplib'
import type { RecoveringChannelModel } from 'amqplib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { uniqueName } from '../../../../test/servers/rabbitmq.ts'
import { guardSetup } from '../../src/transport/guard-setup.ts'
import type { Setup } from '../../src/transport/guard-setup.ts'
import type { Door } from './door.ts'
import { scriptedBroker } from './scripted-broker.ts'
import { lossOf, TransportBench } from './transport-kit.ts'

let bench: TransportBench
let door: Door
beforeEach(async () => {
  bench = await TransportBench.open()
  door = await bench.door()
}, 120_000)
afterEach(() => bench.close())

/** amqplib's recovery as the connector uses it, with a set-up of the test's own: guarded, or as it is. */
const recover = async (
  setup: Setup,
  options: { port?: number; heartbeat?: number; name?: string } = {},
): Promise<RecoveringChannelModel> => {
  const { username, password } = bench.broker.credentials.admin
  const target = { hostname: '127.0.0.1', port: options.port ?? door.port, heartbeat: options.heartbeat ?? 10, username, password }
  const model = await connect(target, {
    timeout: 3000,
    noDelay: true,
    clientProperties: { connection_name: options.name ?? 'holes' },
    recovery: { initialDelay: 50, maxDelay: 200, waitForConnect: false, setup: guardSetup(setup) },
  })
  model.on('error', () => undefined)
  bench.atEnd(async () => {
    door.reset()
    await Promise.race([model.close(), new Promise((resolve) => setTimeout(resolve, 500))])
  })
  return model
}

/** Set-up of a connection the first time goes wrong by `trouble`, while it waits for an answer of the broker; later it does not. */
const troubled = (trouble: () => void | Promise<void>): { setup: Setup; runs: () => number; lost: AbortSignal[] } => {
  let runs = 0
  const lost: AbortSignal[] = []
  const setup: Setup = async (model, signal) => {
    runs += 1
    lost.push(signal)
    const channel = await model.createChannel()
    channel.on('error', () => undefined)
    if (runs === 1) {
      await trouble()
      await channel.checkExchange('amq.topic')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    await channel.close()
  }
  return { setup, runs: () => runs, lost }
}

const connected = (model: RecoveringChannelModel): Promise<void> => new Promise((resolve) => model.once('connect', () => resolve()))

describe('recovery of amqplib goes on, guarded', () => {
  it('hole 1a: the socket is reset while set-up runs', async () => {
    const { setup, runs, lost } = troubled(() => door.reset())
    const model = await recover(setup)
    await connected(model)
    expect(runs()).toBe(2)
    expect(lost.map((signal) => signal.aborted)).toEqual([true, false])
    await (await model.createChannel()).close()
  })

  it('hole 1b: the broker closes the connection while set-up runs, and set-up takes no notice', async () => {
    const name = uniqueName('holes')
    let runs = 0
    const setup: Setup = async (model) => {
      runs += 1
      if (runs > 1) return
      const closed = new Promise((resolve) => model.once('close', resolve))
      await expect.poll(() => bench.broker.closeConnections(new RegExp(name)), { timeout: 10_000 }).toBeGreaterThan(0)
      await closed
    }
    const model = await recover(setup, { name })
    await connected(model)
    expect(runs).toBe(2)
    await (await model.createChannel()).close()
  })

  it('hole 2: set-up fails while nothing passes', async () => {
    let runs = 0
    const model = await recover(
      async () => {
        runs += 1
        if (runs > 1) return
        door.freeze()
        setTimeout(() => door.thaw(), 3500)
        throw new Error('set-up failed')
      },
      { heartbeat: 1 },
    )
    await connected(model)
    expect(runs).toBe(2)
  })

  it('hole 3: a reset of a connection that stands is no uncaught exception, and it comes back', async () => {
    const connection = bench.connection({ hosts: [{ host: '127.0.0.1', port: door.port }] })
    const link = await connection.link(5000)
    door.reset()
    expect(await lossOf(link.lost)).toBe('E_RABBITMQ_CONNECTION')
    const next = await connection.link(5000)
    await (await next.openChannel()).close()
    expect(connection.reconnects).toBe(1)
  })

  it('a connection that is dead before anybody can listen: set-up fails, and it is tried again', async () => {
    const server = await scriptedBroker({ closeAfterOpen: true })
    bench.atEnd(() => server.close())
    let failed = 0
    const model = await recover(async (fresh) => void (await fresh.createChannel()), { port: server.port })
    model.on('connect-failed', () => (failed += 1))
    await expect.poll(() => failed, { timeout: 5000 }).toBeGreaterThan(1)
  })
})
