import { afterAll, beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { rabbitmq, type RabbitmqServer } from '../servers/rabbitmq.ts'
import { breakBroker } from './scenarios/brokers.ts'

let server: RabbitmqServer
beforeAll(async () => {
  server = await rabbitmq.single()
}, 180_000)
afterAll(() => server.stop(), 60_000)

test(
  'T7 T8 R6 kill -9 and restart of the broker, then a restart in good order: nothing is lost, and it is consumed again by itself',
  { timeout: 240_000 },
  async () => {
    const figures = await breakBroker(server, [{ how: 'kill9' }, { how: 'stop' }])
    say('the broker went and came back', figures)
    for (const { resumedMs } of figures) {
      expect(resumedMs).toHaveLength(2)
      for (const gap of resumedMs) expect(gap).toBeLessThan(30_000)
    }
  },
)
