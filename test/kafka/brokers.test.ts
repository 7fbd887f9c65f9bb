import { afterAll, beforeAll, expect, test } from 'vitest'
import { LetterLoad } from '../../packages/kafka-connector/test/real/letter-load.ts'
import { kafka, type Broker, type KafkaCluster } from '../servers/kafka.ts'
import { say } from './kit/say.ts'
import { allGone, killAndRoll } from './scenarios/brokers.ts'
import { RefusedLetters } from './scenarios/refused-letters.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await kafka.cluster(3, {
    properties: {
      // A broker that comes back after kill -9 waits until its old self is fenced, 9 s by default.
      'broker.session.timeout.ms': '2000',
      'broker.heartbeat.interval.ms': '500',
      // Looks for what is too old every second: letters of records that are a year old must stay.
      'log.retention.check.interval.ms': '1000',
      'log.initial.task.delay.ms': '1000',
    },
    heapMb: 256,
  })
}, 240_000)
afterAll(() => cluster?.stop(), 60_000)

// Brokers take long to start, so that everything that their faults may do harm to goes on at once.

test(
  'T4 T7 T8 K4 the coordinator is killed with -9, comes back, and another broker rolls: all that was sent is received, letters that were acknowledged are in the log, and nothing is acknowledged over one that cannot be written',
  { timeout: 360_000 },
  async () => {
    await using letters = await LetterLoad.open(cluster)
    await using refused = await RefusedLetters.open(cluster)
    const figures = await killAndRoll(cluster, {
      before: async (victim: Broker) => {
        await letters.more(50)
        expect(await letters.isLedBy(victim)).toBe(true)
      },
      whileDown: async () => {
        await letters.more(50)
        await letters.needReplicas(3)
        await Promise.all([letters.refusal(), refused.areMissed()])
      },
      whenBack: async () => {
        await letters.more(50)
        await refused.arrive()
      },
    })
    await letters.more(50)
    say('one broker killed, one rolled', figures)
    expect(figures.events).toBeGreaterThan(250)
    const found = await letters.finish()
    say('dead letters, one broker killed, one rolled', found)
    expect(found.lost).toEqual([])
  },
)

test(
  'T7 N2 three brokers, none, three: the connector stays alive and says that it is not ready; neither events nor letters that were acknowledged are lost',
  { timeout: 240_000 },
  async () => {
    await using letters = await LetterLoad.open(cluster)
    // The first that goes takes replicas with it that a letter under way has to have.
    await letters.needReplicas(3)
    await letters.more(50)
    const figures = await allGone(cluster, { whenBack: () => letters.more(50) })
    say('no brokers for a while', figures)
    expect(figures.events).toBeGreaterThan(200)
    const found = await letters.finish()
    say('dead letters, no brokers for a while', found)
    expect(found.lost).toEqual([])
    expect(Object.keys(found.refused)).not.toEqual([])
  },
)
