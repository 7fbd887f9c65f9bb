import { watch } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { type HttpConnector, startHttp } from './kit/connector.ts'
import { CallLog, takes } from './kit/ledger-view.ts'
import { type Load, startLoad } from './kit/load.ts'
import { atEnd, guardTests, pauseFor, tempFolder, until } from './kit/scope.ts'
import { seededRandom } from '../processes/seeded-random.ts'

guardTests()
vi.setConfig({ testTimeout: 90_000 })

const kills = 10
const clients = 8
/** A settlement becomes durable within this, also on a busy disk. */
const slackMs = 2000

interface CrashRun {
  readonly log: CallLog
  readonly load: Load
  readonly killedAt: readonly number[]
  readonly connector: HttpConnector
  readonly seed: string
}

/** Load, with `kills` times SIGKILL at a random point after the process has begun to acknowledge. */
const crashAtRandom = async (path: string, acknowledgedBy: number): Promise<CrashRun> => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = seededRandom(seed)
  const log = new CallLog()
  const gateway = await fakeGateway({ functions: { orders: log.function({ topic: 'orders' }, takes(0, 15, random)) } })
  atEnd(() => gateway.close())
  let connector = await startHttp({ gatewayUrl: gateway.url })
  const load = startLoad({ target: () => connector, path, clients, acknowledges: ({ status }) => status === acknowledgedBy })
  const killedAt: number[] = []
  for (let count = 0; count < kills; count += 1) {
    const before = load.acknowledged.length
    await until(
      'events are acknowledged',
      () => load.acknowledged.length,
      (now) => now > before,
    )
    await pauseFor(random() * 120)
    const killed = connector.kill9()
    killedAt.push(Date.now())
    await killed
    connector = await connector.again()
  }
  await load.finish()
  await connector.ready()
  await connector.settled()
  return { log, load, killedAt, connector, seed: `seed ${seed}` }
}

test('T1 T5 kill -9 at random points with ?wait=true: nothing acknowledged is lost, repeats are what was in flight', async () => {
  const { log, load, connector, seed } = await crashAtRandom('orders?wait=true', 200)
  expect(log.lost(load.acknowledged), seed).toEqual([])
  expect(new Set(load.acknowledged).size, seed).toBe(load.acknowledged.length)
  // Not spooled: only the client sends again, and only what it had in flight.
  const sentAgain = new Set(load.refused.map(({ id }) => id))
  expect(
    log.repeats().filter(({ again }) => !sentAgain.has(again.id)),
    seed,
  ).toEqual([])
  expect(log.repeats().length, seed).toBeLessThanOrEqual(kills * clients)
  expect(await connector.letters()).toEqual([])
})

test('T1 T5 kill -9 at random points with 202 and the spool: nothing acknowledged is lost, repeats are what was in flight', async () => {
  const { log, load, killedAt, connector, seed } = await crashAtRandom('orders', 202)
  await until(
    'all are delivered',
    () => log.lost(load.acknowledged).length,
    (count) => count === 0,
    5000,
  )
  // A client whose 202 was lost sends the event again; the spool has it twice then, also without a kill between the calls.
  const sentAgain = new Set(load.refused.map(({ id }) => id))
  expect(
    log.unexplained(killedAt, slackMs).filter(({ again }) => !sentAgain.has(again.id)),
    seed,
  ).toEqual([])
  expect(await connector.letters()).toEqual([])
})

test('T4 kill -9 between the call and its settlement: the event comes again, with the same id', async () => {
  const log = new CallLog()
  let connector: HttpConnector | undefined
  const gateway = await fakeGateway({
    functions: {
      // The first call kills the connector in the middle of it; the second, right after its answer.
      first: log.function({ topic: 'first' }, async () => {
        if (log.byId().get('first')?.length === 1) await connector?.kill9()
      }),
      second: log.function({ topic: 'second' }, () => {
        if (log.byId().get('second')?.length === 1) setTimeout(() => void connector?.kill9(), 2)
      }),
    },
  })
  atEnd(() => gateway.close())
  connector = await startHttp({ gatewayUrl: gateway.url })
  for (const topic of ['first', 'second']) {
    await connector.ready()
    expect((await connector.publish(topic, 'body', { id: topic })).status).toBe(202)
    expect((await connector.exited).signal).toBe('SIGKILL')
    connector = await connector.again()
  }
  await connector.ready()
  await connector.settled()
  await until(
    'the first has come again',
    () => log.byId().get('first')?.length,
    (count) => (count ?? 0) >= 2,
  )
  // Either kill may have come before a settlement was durable.
  expect([2, 3]).toContain(log.byId().get('first')?.length)
  expect([1, 2]).toContain(log.byId().get('second')?.length)
  expect(gateway.requests.map((request) => request.text())).toEqual(gateway.requests.map(() => 'body'))
  // Settled for good: a further start repeats nothing.
  const calls = log.calls.length
  await connector.stop()
  connector = await connector.again()
  await connector.ready()
  await connector.settled()
  expect(await connector.metric('millrace_events_received_total')).toBe(0)
  expect(log.calls.length).toBe(calls)
})

test('T4 kill -9 between the dead letter and its settlement: the letter is there, and the event is settled by the next run', async () => {
  const folder = tempFolder()
  const letters = join(folder, 'letters')
  await mkdir(letters)
  const gateway = await fakeGateway({ functions: { refuses: { annotations: { topic: 'bad' }, handler: () => ({ status: 422 }) } } })
  atEnd(() => gateway.close())
  let connector = await startHttp({ gatewayUrl: gateway.url, folder })
  await connector.ready()
  // The first byte of the letter's file ends the process.
  const watcher = watch(letters, (_event, name) => {
    if (gateway.requests.length > 0 && name?.endsWith('.jsonl') === true) void connector.kill9()
  })
  atEnd(async () => watcher.close())
  expect((await connector.publish('bad', 'payload', { id: 'refused' })).status).toBe(202)
  expect((await connector.exited).signal).toBe('SIGKILL')
  watcher.close()
  connector = await connector.again()
  await connector.ready()
  await connector.settled()
  const found = await until(
    'the letter',
    () => connector.letters(),
    (now) => now.length > 0,
  )
  // One run more may have written it again; no run may leave it out.
  expect(found.length).toBeLessThanOrEqual(2)
  for (const letter of found)
    expect(letter).toMatchObject({ function: 'refuses.openfaas-fn', reason: 'rejected', event: { id: 'refused' } })
  expect(Buffer.from(found[0]?.event.data ?? '').toString()).toBe('payload')
  await connector.stop()
  connector = await connector.again()
  await connector.ready()
  await connector.settled()
  expect(await connector.letters()).toHaveLength(found.length)
})
