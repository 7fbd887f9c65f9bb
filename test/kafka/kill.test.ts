import { beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../processes/seeded-random.ts'
import { kafka, type SharedKafka } from '../servers/kafka.ts'
import { say } from './kit/say.ts'
import { killConnector } from './scenarios/kill.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

const lanes = 5

test(
  'T1 T4 T5 kill -9 at 20 random points under load: nothing is lost, only what was not committed comes again',
  { timeout: 240_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    say('seed of the kill points', seed)
    // Side by side: most of the time is spent waiting for the dead member's session to end.
    const figures = await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        killConnector({ brokers: server.bootstrap, kills: 4, random: seededRandom(seed + lane), perSecond: 30 }),
      ),
    )
    say('killed', figures)
    expect(figures.reduce((sum, { kills }) => sum + kills, 0)).toBe(20)
  },
)
