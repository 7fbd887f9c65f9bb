import { beforeAll, expect, test } from 'vitest'
import { kafka, type SharedKafka } from '../servers/kafka.ts'
import { say } from './kit/say.ts'
import { rebalanceStorm } from './scenarios/storm.ts'

let server: SharedKafka
beforeAll(async () => {
  server = await kafka.shared()
}, 180_000)

test(
  'T10 members come and go: nothing is lost, and nothing is repeated of functions shorter than the drain',
  { timeout: 120_000 },
  async () => {
    const figures = await rebalanceStorm({ brokers: server.bootstrap, waves: 2, members: 3, everyMs: 1000 })
    say('storm', figures)
    expect(figures.duplicated).toBe(0)
  },
)
