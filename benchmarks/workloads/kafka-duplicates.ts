import { killConnector } from '../../test/kafka/scenarios/kill.ts'
import { rebalanceStorm } from '../../test/kafka/scenarios/storm.ts'
import { seededRandom } from '../../test/processes/seeded-random.ts'
import type { Comparisons } from '../lib/benchmark.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'

/** The product's own, where the tests have shorter times. */
const env = { kafka_commit_interval: '1s' }
const perSecond = 500

export const kafkaDuplicates: Comparisons = {
  name: 'kafka-duplicates',
  about: `records that a function gets twice, at ${perSecond} Kafka records/s: by the ledger of the tests, which also fails at a loss or a disorder`,
  lines: [
    {
      name: 'kafka-duplicates-kill',
      about: 'per kill -9, against the window: what had succeeded and was not committed',
      goal: { atMost: 1 },
    },
    { name: 'kafka-duplicates-rebalance', about: 'per member that joins or leaves, against one', goal: { atMost: 0 } },
  ],
  async run(quick) {
    await using broker = await startBenchBroker()
    const brokers = broker.bootstrap
    const kills = quick ? 3 : 20
    const killed = await killConnector({ brokers, kills, random: seededRandom(1), perSecond, env })
    const storm = await rebalanceStorm({ brokers, waves: quick ? 1 : 5, members: quick ? 2 : 4, everyMs: 2000, perSecond })
    const changes = storm.joins + storm.leaves - 1
    return [
      {
        ours: killed.duplicated / kills,
        baseline: killed.window / kills,
        unit: 'records',
        notes: [
          `${killed.duplicated} of ${killed.events} records twice over ${kills} kills; ${killed.cut} calls cut, largest window ${killed.largestWindow}`,
        ],
      },
      {
        ours: storm.duplicated / changes,
        baseline: 1,
        unit: 'records',
        notes: [
          `${storm.duplicated} of ${storm.events} records twice over ${changes} changes of the group; longest gap ${(storm.longestGapMs / 1000).toFixed(1)} s`,
        ],
      },
    ]
  },
}
