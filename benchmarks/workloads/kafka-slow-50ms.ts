import type { Comparisons } from '../lib/benchmark.ts'
import { cpuNote, postingRates } from '../lib/kafka/posting-rates.ts'

const concurrency = 500
const workMs = 50

export const kafkaSlow50ms: Comparisons = {
  name: 'kafka-slow-50ms',
  about: `Kafka records of 1 KiB to a function that takes ${workMs} ms, order by key (10,000 keys), ${concurrency} at once`,
  lines: [
    { name: 'kafka-slow-50ms', about: `a ${workMs} ms function, against min(10,000/s, a bare undici loop)`, goal: { atLeast: 0.9 } },
    {
      name: 'kafka-slow-50ms-parallel-consumer',
      about: `a ${workMs} ms function, against Parallel Consumer with Java's HttpClient`,
      goal: { atLeast: 1.8 },
    },
  ],
  async run(quick) {
    const rates = await postingRates({ concurrency, keys: 10_000, workMs }, quick)
    const { ours, undici, parallelConsumer } = rates
    const notes = [`bare undici ${undici.toFixed(0)}/s`, cpuNote(rates)]
    return [
      { ours, baseline: Math.min(concurrency / (workMs / 1000), undici), unit: 'records/s', notes },
      { ours, baseline: parallelConsumer, unit: 'records/s' },
    ]
  },
}
