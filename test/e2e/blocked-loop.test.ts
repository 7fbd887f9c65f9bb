import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { startHttp } from './kit/connector.ts'
import { CallLog } from './kit/ledger-view.ts'
import { atEnd, guardTests, pauseFor, until } from './kit/scope.ts'
import { send } from './kit/send.ts'

guardTests()
vi.setConfig({ testTimeout: 60_000 })

test('T6 a blocked event loop: no probe answers meanwhile, /livez reports it afterwards, and nothing is lost', async () => {
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }, () => pauseFor(50)) } })
  atEnd(() => gateway.close())
  // The default of 20 s would make a long test.
  const connector = await startHttp({ gatewayUrl: gateway.url, env: { loop_limit: '1s' } })
  await connector.ready()
  expect((await connector.admin('/livez')).status).toBe(200)
  const ids = Array.from({ length: 30 }, (_, index) => `e${index}`)
  for (const id of ids) expect((await connector.publish('orders', '', { id })).status).toBe(202)
  // A stopped process stands for a blocked loop: neither runs a line of JavaScript while its timers become due.
  connector.pause()
  const stoppedAt = performance.now()
  await expect(send(`${connector.adminUrl}/livez`, undefined, { timeoutMs: 500 })).rejects.toThrow(/abort|timeout/i)
  await until(
    'the limit is passed by far',
    () => performance.now() - stoppedAt,
    (ms) => ms > 2600,
  )
  connector.resume()
  const live = await until(
    'it reports',
    () => connector.admin('/livez'),
    ({ status }) => status === 503,
  )
  expect(live.json()).toEqual({ ok: false, reasons: ['the event loop was blocked'] })
  await connector.settled()
  expect(log.lost(ids)).toEqual([])
  expect(log.repeats()).toEqual([])
  // Only a probe: what is alive goes on working until somebody restarts it.
  expect((await connector.publish('orders?wait=true')).json()['results']).toMatchObject([{ outcome: 'done' }])
  expect(await connector.letters()).toEqual([])
  expect(await connector.stop()).toEqual({ code: 0, signal: null })
})
