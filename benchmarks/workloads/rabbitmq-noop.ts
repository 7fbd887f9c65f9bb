import type { Comparisons, Measured } from '../lib/benchmark.ts'
import { startBenchRabbitmq, type QueueType } from '../lib/rabbitmq/bench-broker.ts'
import { cpuNote, postingRates } from '../lib/rabbitmq/posting-rates.ts'

const prefetch = 256
const types: readonly QueueType[] = ['classic', 'quorum']

export const rabbitmqNoop: Comparisons = {
  name: 'rabbitmq-noop',
  about: `RabbitMQ messages of 1 KiB to a function that does nothing, prefetch ${prefetch}`,
  lines: types.map((type) => ({
    name: `rabbitmq-noop-${type}`,
    about: `a ${type} queue and a function that does nothing, against a bare loop of amqplib and undici`,
    goal: { atLeast: 0.85 },
  })),
  async run(quick) {
    await using broker = await startBenchRabbitmq()
    const measured: Measured[] = []
    for (const type of types) {
      const size = quick ? { count: 8000, rounds: 3 } : { count: 40_000, rounds: 5 }
      const rates = await postingRates(broker, { type, ...size, concurrency: prefetch, prefetch })
      measured.push({ ours: rates.ours, baseline: rates.bare, unit: 'messages/s', notes: [cpuNote(rates)] })
    }
    return measured
  },
}
