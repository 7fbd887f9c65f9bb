import { afterAll, beforeAll, expect, test } from 'vitest'
import { underAlarmTests } from '../../packages/rabbitmq-connector/test/real/under-alarm-tests.ts'
import { say } from '../kafka/kit/say.ts'
import { rabbitmq, type RabbitmqServer } from '../servers/rabbitmq.ts'
import { startToxiproxy, type Toxiproxy } from '../servers/toxiproxy.ts'
import { backlog, expiresIntoNothing, offerAgain, UnconfirmedCopies, underAlarm } from './scenarios/broker-faults.ts'
import { breakBroker } from './scenarios/brokers.ts'

let toxiproxy: Toxiproxy
let server: RabbitmqServer
beforeAll(async () => {
  toxiproxy = await startToxiproxy()
  server = await rabbitmq.single({ toxiproxy })
  // Three minutes by default: `npm run test:long -- rabbitmq-connections` waits for them.
  await offerAgain(server, 2000)
}, 180_000)
afterAll(async () => {
  await server?.stop()
  await toxiproxy?.stop()
}, 60_000)

const timeout = 120_000

underAlarmTests(() => server)

test(
  'a memory alarm in the middle of a backlog: what is in hand is finished, nothing is begun, retries wait, it goes on',
  { timeout },
  async () => {
    const figures = await underAlarm(server, 'memory', { forMs: 2500 })
    say('memory alarm', figures)
    expect(figures.problems).toEqual([])
    expect(figures.succeeded).toBe(backlog)
    expect(figures.blockedSeconds).toBeGreaterThan(2)
    expect(figures.memoryMiB[1] - figures.memoryMiB[0]).toBeLessThan(64)
  },
)

test(
  'a connector that starts under a disk alarm works until it has something to publish, then waits, and goes on',
  { timeout },
  async () => {
    const figures = await underAlarm(server, 'disk', { forMs: 2500, restart: true })
    say('disk alarm', figures)
    expect(figures.problems).toEqual([])
    expect(figures.succeeded).toBe(backlog)
  },
)

test('retries that expire while their work queue is gone are kept, and arrive when it is back', { timeout }, async () => {
  const figures = await expiresIntoNothing(server, 30_000)
  say('expired into nothing', figures)
  expect(figures.problems).toEqual([])
  expect(figures.kept).toBe(20)
})

test(
  'T7 T8 R6 kill -9 and restart of the broker, then a restart in good order: nothing is lost, and it is consumed again by itself; the kill comes between retries and their confirms, and the originals come again',
  { timeout: 240_000 },
  async () => {
    if (server.proxy === undefined) throw new Error('the broker has no proxy')
    await using copies = await UnconfirmedCopies.open(server, server.proxy)
    const figures = await breakBroker(server, [{ how: 'kill9', beside: copies }, { how: 'stop' }])
    say('the broker went and came back', figures)
    for (const { resumedMs } of figures) {
      expect(resumedMs).toHaveLength(2)
      for (const gap of resumedMs) expect(gap).toBeLessThan(30_000)
    }
    say('killed before the confirm', copies.figures)
    expect(copies.figures?.problems).toEqual([])
  },
)
