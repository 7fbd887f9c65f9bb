import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafka, type KafkaCluster } from '../servers/kafka.ts'
import { say } from './kit/say.ts'
import { allGone, killAndRoll } from './scenarios/brokers.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  // A broker that comes back after kill -9 waits until its old self is fenced, 9 s by default.
  cluster = await kafka.cluster(3, {
    properties: { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' },
    heapMb: 256,
  })
}, 240_000)
afterAll(() => cluster?.stop(), 60_000)

test(
  'T7 T8 the coordinator is killed with -9, comes back, and another broker rolls: all that was sent is received',
  { timeout: 240_000 },
  async () => {
    const figures = await killAndRoll(cluster)
    say('one broker killed, one rolled', figures)
    expect(figures.events).toBeGreaterThan(300)
  },
)

test(
  'T7 N2 three brokers, none, three: the connector stays alive and says that it is not ready; nothing is lost',
  { timeout: 240_000 },
  async () => {
    const figures = await allGone(cluster)
    say('no brokers for a while', figures)
    expect(figures.events).toBeGreaterThan(200)
  },
)
