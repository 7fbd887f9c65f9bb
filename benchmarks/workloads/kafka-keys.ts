import { uniqueName } from '../../test/servers/kafka.ts'
import type { Comparisons, Line, Measured } from '../lib/benchmark.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { orderedFloor } from '../lib/kafka/ordered-floor.ts'
import { startParallelConsumer } from '../lib/kafka/parallel-consumer.ts'
import { runTimedEngine } from '../lib/kafka/run-timed-engine.ts'
import { median } from '../lib/median.ts'

const slots = 100

/** Key counts, with the goal against the floor and the records of a quick run: with one key each record waits for the one before. */
const cases = [
  { keys: 1, atMost: 1.1, quick: 400 },
  { keys: 10, atMost: 1.1, quick: 4_000 },
  { keys: 100, atMost: 1.3, quick: 10_000 },
  { keys: 1000, atMost: 1.3, quick: 10_000 },
] as const

const lines: readonly Line[] = cases.flatMap(({ keys, atMost }) => [
  { name: `kafka-keys-${keys}`, about: `${keys} keys, against the floor of the same timers in ${slots} slots`, goal: { atMost } },
  { name: `kafka-keys-${keys}-parallel-consumer`, about: `${keys} keys, against Parallel Consumer`, goal: { atMost: 1 } },
])

export const kafkaKeys: Comparisons = {
  name: 'kafka-keys',
  about: `10,000 Kafka records of one partition, 0-5 ms each, ${slots} at once, at ${cases.map(({ keys }) => keys).join(', ')} keys in order`,
  lines,
  async run(quick) {
    await using broker = await startBenchBroker()
    await using peer = await startParallelConsumer()
    const { bootstrap } = broker
    const parallelConsumer = (topic: string, count: number) =>
      peer.run({ bootstrap, topic, group: uniqueName('pc'), count, concurrency: slots })
    const warmUp = await broker.fill({ count: 5000, bytes: 100 })
    await runTimedEngine(bootstrap, warmUp, 5000, slots)
    await orderedFloor(5000, 1000, slots)
    await parallelConsumer(warmUp, 5000)
    const measured: Measured[] = []
    for (const { keys, quick: few } of cases) {
      const count = quick ? few : 10_000
      const topic = await broker.fill({ count, keys, bytes: 100 })
      const [ours, floor, parallel, cpu]: [number[], number[], number[], number[]] = [[], [], [], []]
      for (let round = 0; round < (keys === 1 ? 1 : 3); round += 1) {
        floor.push(await orderedFloor(count, keys, slots))
        const own = await runTimedEngine(bootstrap, topic, count, slots)
        ours.push(own.seconds)
        cpu.push(own.cpuMicros)
        parallel.push((await parallelConsumer(topic, count)).seconds)
      }
      const notes = [`${count} records; CPU per record of ours ${median(cpu).toFixed(0)} us, timers included`]
      measured.push({ ours: median(ours), baseline: median(floor), unit: 's', notes })
      measured.push({ ours: median(ours), baseline: median(parallel), unit: 's' })
    }
    return measured
  },
}
