import { fakeGateway } from '@millrace/sdk/testing'
import { expect, test, vi } from 'vitest'
import { startCron } from './kit/connector.ts'
import { CallLog, takes } from './kit/ledger-view.ts'
import { atEnd, guardTests, pauseFor, until } from './kit/scope.ts'
import { seededRandom } from '../processes/seeded-random.ts'

guardTests()
vi.setConfig({ testTimeout: 90_000 })

const kills = 6
const functions = 6
const slackMs = 2000

const slotOf = (id: string): number => Number(id.slice(id.lastIndexOf(':') + 1))
const scheduleOf = (id: string): string => id.slice(0, id.lastIndexOf(':'))

test('T1 T5 T27 C4 kill -9 at random points around ticks: every slot fires, twice only what was in flight', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = seededRandom(seed)
  const log = new CallLog()
  const every = { topic: 'cron-function', schedule: '* * * * * *', 'com.openfaas.connector.catch-up': 'all' }
  const names = Array.from({ length: functions }, (_, index) => `tick-${index}`)
  const gateway = await fakeGateway({
    functions: Object.fromEntries(names.map((name) => [name, log.function(every, takes(0, 120, random))])),
  })
  atEnd(() => gateway.close())
  const killedAt: number[] = []
  let connector = await startCron({ gatewayUrl: gateway.url })
  for (let count = 0; count < kills; count += 1) {
    const before = log.calls.length
    await until(
      'a tick',
      () => log.calls.length,
      (now) => now > before,
    )
    // From right at a tick to shortly after the next one.
    await pauseFor(random() * 1100)
    const killed = connector.kill9()
    killedAt.push(Date.now())
    await killed
    connector = await connector.again()
  }
  const before = log.calls.length
  await until(
    'the last ticks',
    () => log.calls.length,
    (now) => now >= before + functions,
  )
  await connector.ready()
  const last = Math.floor(Date.now() / 1000) - 1
  await until(
    'what was missed',
    () => Math.min(...slotsOf(log).map((slots) => slots.at(-1) ?? 0)),
    (slot) => slot >= last,
  )
  expect(await connector.stop()).toEqual({ code: 0, signal: null })

  const schedules = slotsOf(log)
  expect(schedules).toHaveLength(functions)
  for (const slots of schedules) {
    const missing = slots.slice(1).filter((slot, index) => slot !== (slots[index] ?? 0) + 1)
    expect(missing, `slots that come after a gap, seed ${seed}`).toEqual([])
  }
  expect(log.unexplained(killedAt, slackMs), `seed ${seed}`).toEqual([])
  expect(log.repeats().length, `seed ${seed}`).toBeLessThanOrEqual(kills * functions * 3)
  expect(await connector.letters()).toEqual([])
})

/** The slots that each schedule has fired, each once, in order. */
const slotsOf = (log: CallLog): number[][] => {
  const bySchedule = Map.groupBy(new Set(log.calls.map(({ id }) => id)), scheduleOf)
  return [...bySchedule.values()].map((ids) => ids.map(slotOf).toSorted((a, b) => a - b))
}
