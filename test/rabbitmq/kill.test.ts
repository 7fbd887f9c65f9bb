import { beforeAll, expect, test } from 'vitest'
import { say } from '../kafka/kit/say.ts'
import { seededRandom } from '../processes/seeded-random.ts'
import { rabbitmq, type SharedRabbitmq } from '../servers/rabbitmq.ts'
import { killConnector } from './scenarios/kill.ts'

let broker: SharedRabbitmq
beforeAll(async () => {
  broker = await rabbitmq.shared()
}, 180_000)

const lanes = ['queue', 'binding', 'queue', 'binding'] as const

test(
  'T1 T4 T5 kill -9 at 20 random points under load: nothing is lost, and no kill makes more than the prefetch come again',
  { timeout: 240_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    say('seed of the kill points', seed)
    // Side by side: most of the time is spent waiting for a process to start.
    const figures = await Promise.all(
      lanes.map((mode, lane) => killConnector({ broker, mode, kills: 5, random: seededRandom(seed + lane), perSecond: 30 })),
    )
    say('killed', figures)
    expect(figures.reduce((sum, { kills }) => sum + kills, 0)).toBe(20)
    // It was in the middle of something, or this shows nothing.
    for (const { cut, duplicated } of figures) expect(cut + duplicated).toBeGreaterThan(0)
  },
)
