import type { Benchmark } from '../lib/benchmark.ts'
import { startBenchRabbitmq } from '../lib/rabbitmq/bench-broker.ts'
import { cpuNote, postingRates } from '../lib/rabbitmq/posting-rates.ts'

const concurrency = 500
const workMs = 50
const arithmetic = concurrency / (workMs / 1000)

export const rabbitmqSlow50ms: Benchmark = {
  name: 'rabbitmq-slow-50ms',
  about: `RabbitMQ messages of 1 KiB to a ${workMs} ms function, ${concurrency} at once, against min(${arithmetic}/s, a bare loop)`,
  goal: { atLeast: 0.9 },
  async run(quick) {
    await using broker = await startBenchRabbitmq()
    const size = quick ? { count: 8000, rounds: 3 } : { count: 40_000, rounds: 5 }
    const rates = await postingRates(broker, { type: 'quorum', ...size, concurrency, workMs })
    const notes = [`a bare loop of amqplib and undici ${rates.bare.toFixed(0)}/s`, cpuNote(rates)]
    return { ours: rates.ours, baseline: Math.min(arithmetic, rates.bare), unit: 'messages/s', notes }
  },
}
