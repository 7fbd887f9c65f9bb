import { createConnector, silentLogger } from '@millrace/sdk'
import type { Connector } from '@millrace/sdk'
import { fakeGateway, leakGuard, manualClock } from '@millrace/sdk/testing'
import type { ManualClock } from '@millrace/sdk/testing'
import { expect, test } from 'vitest'
import { rabbitmqSource } from '../../src/source.ts'
import type { AmqpConnection } from '../../src/transport/transport.ts'
import { MemoryBroker } from '../memory/broker.ts'
import { turns } from './kit.ts'

leakGuard()

/** Gives up by the clock of the test. */
const byClock = (inner: AmqpConnection, clock: ManualClock): AmqpConnection => ({
  address: inner.address,
  get reconnects() {
    return inner.reconnects
  },
  async link(ms, signal) {
    const late = new AbortController()
    const timer = clock.after(ms, () => late.abort(new Error(`no link within ${ms} ms`)))
    try {
      return await inner.link(2 ** 30, AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]))
    } finally {
      timer.cancel()
    }
  },
  close: () => inner.close(),
})

const stepMs = 250

const until = async (clock: ManualClock, connector: Connector, ready: boolean): Promise<number> => {
  const since = clock.monotonic()
  while ((connector.notReady.length === 0) !== ready) {
    if (clock.monotonic() - since > 60_000) throw new Error(`after a minute not ${ready ? 'ready' : 'lost'}: ${connector.notReady.join()}`)
    await clock.advanceAsync(stepMs)
    await turns(8)
  }
  return clock.monotonic() - since
}

/** The connector by the clock of the test, and a broker to take away: gives how long each time is from its return to readiness. */
const gapsOf = async (awaysMs: readonly number[], maxDelayMs?: number): Promise<readonly number[]> => {
  const clock = manualClock()
  const broker = new MemoryBroker()
  broker.declare('orders')
  const transport = broker.transport()
  const gateway = await fakeGateway({ functions: { f: { annotations: { topic: 'orders' } } } })
  const source = rabbitmqSource({
    connection: {
      hosts: [{ host: 'memory', port: 0 }],
      vhost: '/',
      material: () => Promise.reject(new Error('nobody asks')),
      ...(maxDelayMs !== undefined && { maxDelayMs }),
    },
    transport: () => ({ connection: (role) => byClock(transport.connection(role), clock) }),
  })
  const connector = createConnector({
    source,
    clock,
    // The longest waits there are.
    random: () => 1,
    gateway: { url: gateway.url },
    rebuildIntervalMs: 2 ** 30,
    logger: silentLogger,
  })
  try {
    await connector.start()
    await until(clock, connector, true)
    const gaps: number[] = []
    for (const awayMs of awaysMs) {
      broker.stop()
      await until(clock, connector, false)
      for (let ms = 0; ms < awayMs; ms += stepMs) {
        await clock.advanceAsync(stepMs)
        await turns(8)
      }
      broker.start()
      gaps.push(await until(clock, connector, true))
    }
    return gaps
  } finally {
    await connector.kill()
    await gateway.close()
    broker.close()
  }
}

test('however long the broker was away, it is consumed again within a second of its return', async () => {
  const aways = Array.from({ length: 14 }, (_, n) => 30_000 + n * 9000)
  expect(Math.max(...(await gapsOf(aways)))).toBeLessThanOrEqual(1000)
}, 60_000)

test('however often it comes and goes, it is consumed again within the longest wait between two attempts', async () => {
  const aways = Array.from({ length: 12 }, (_, n) => [500, 4000, 16_000][n % 3] ?? 0)
  expect(Math.max(...(await gapsOf(aways)))).toBeLessThanOrEqual(3000 + stepMs)
  expect(Math.max(...(await gapsOf(aways, 1000)))).toBeLessThanOrEqual(1000 + stepMs)
}, 60_000)
