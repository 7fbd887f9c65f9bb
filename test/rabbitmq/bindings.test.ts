import { beforeAll, describe, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { rabbitmq, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { rebindUnderLoad, removeUnderLoad } from './scenarios/rebind.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

// Side by side: most of the time is spent waiting for changes to be taken over.
describe.concurrent('bindings', () => {
  test(
    'RMQ-11: keys of a function change under load: no event finds the old ones gone and the new ones not there yet',
    { timeout: 120_000 },
    async () => {
      const { problems, confirmed, duplicated } = await rebindUnderLoad(broker, 200)
      say('rebound', { confirmed, duplicated })
      expect(problems).toEqual([])
      expect([confirmed > 200, duplicated]).toEqual([true, 0])
    },
  )

  test(
    'RMQ-11: a function is removed and given back under load: its queue keeps everything, retries too, and nothing is dropped',
    { timeout: 120_000 },
    async () => {
      const { report, held } = await removeUnderLoad(broker, 150)
      say('removed and given back', { confirmed: report.confirmed, duplicated: report.duplicated, held })
      expect(report.problems).toEqual([])
      expect([report.confirmed > 200, report.duplicated]).toEqual([true, 0])
      // Some were in hand when it went, or this shows nothing.
      expect(held).toBeGreaterThan(0)
    },
  )
})
