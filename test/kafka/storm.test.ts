import { beforeAll, expect, test } from 'vitest'
import { kafka, type SharedKafka } from '../servers/kafka.ts'
import { say } from './kit/say.ts'
import { rebalanceStorm } from './scenarios/storm.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

test(
  'T10 members come and go, 1 to 5 to 1: nothing is lost, and nothing is repeated of functions shorter than the drain',
  { timeout: 120_000 },
  async () => {
    const figures = await rebalanceStorm({ brokers: server.bootstrap, waves: 1, members: 5, everyMs: 1000, perSecond: 80 })
    say('storm', figures)
    expect(figures.duplicated).toBe(0)
  },
)
