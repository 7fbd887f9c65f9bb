import type { Comparisons } from '../lib/benchmark.ts'
import { cpuNote, postingRates } from '../lib/kafka/posting-rates.ts'

const concurrency = 100

export const kafkaNoop: Comparisons = {
  name: 'kafka-noop',
  about: `Kafka records of 1 KiB to a function that does nothing, order by key (1,000 keys), ${concurrency} at once`,
  lines: [
    { name: 'kafka-noop', about: 'a function that does nothing, against min(bare kafkajs, bare undici loop)', goal: { atLeast: 0.7 } },
    {
      name: 'kafka-noop-parallel-consumer',
      about: "a function that does nothing, against Parallel Consumer with Java's HttpClient",
      goal: { atLeast: 3 },
    },
  ],
  async run(quick) {
    const rates = await postingRates({ concurrency, keys: 1000 }, quick)
    const { ours, kafkajs, undici, parallelConsumer } = rates
    const notes = [`bare kafkajs ${kafkajs.toFixed(0)}/s, bare undici ${undici.toFixed(0)}/s`, cpuNote(rates)]
    return [
      { ours, baseline: Math.min(kafkajs, undici), unit: 'records/s', notes },
      { ours, baseline: parallelConsumer, unit: 'records/s' },
    ]
  },
}
