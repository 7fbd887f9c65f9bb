import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Comparisons } from '../lib/benchmark.ts'
import { startBenchBroker } from '../lib/kafka/bench-broker.ts'
import { slopePerMinute } from '../lib/slope.ts'
import { startServer } from '../lib/start-server.ts'

interface Report {
  /** `at` in seconds, memory in MiB. */
  readonly samples: readonly { readonly at: number; readonly rss: number; readonly heap: number; readonly acked: number }[]
}

type Samples = Report['samples']

/**
 * As in a container of 256 MiB: otherwise V8 takes the machine's memory for its own, and lets garbage lie for as long as there is room.
 */
const execArgv = ['--max-old-space-size=128', '--max-semi-space-size=4']
const workMs = 10
const concurrency = 64

/** Records per second between two samples. */
const rateOf = (samples: Samples): number => {
  const [first, last] = [samples[0], samples.at(-1)]
  return first === undefined || last === undefined || first === last ? 0 : (last.acked - first.acked) / (last.at - first.at)
}

export const kafkaBacklogRss: Comparisons = {
  name: 'kafka-backlog-rss',
  about: `a backlog of a million Kafka records of 1 KiB behind a function that takes ${workMs} ms, ${concurrency} at once`,
  lines: [
    { name: 'kafka-backlog-rss', about: 'a backlog of Kafka records: highest resident memory against 256 MiB', goal: { atMost: 1 } },
    { name: 'kafka-backlog-rate', about: 'the same: rate of the last minute against that of the first', goal: { atLeast: 0.9 } },
  ],
  async run(quick) {
    await using broker = await startBenchBroker()
    const count = quick ? 80_000 : 1_000_000
    const topic = await broker.fill({ count, partitions: 4 })
    await using server = await startServer({ slow: { topic } }, workMs)
    const main = fileURLToPath(new URL('../lib/kafka/backlog-main.ts', import.meta.url))
    const child = fork(main, [server.url, broker.bootstrap.join(','), topic, String(count), String(concurrency)], { execArgv })
    const gone = once(child, 'exit')
    const [report] = (await Promise.race([
      once(child, 'message'),
      gone.then(() => Promise.reject(new Error('the connector ended before the backlog did'))),
    ])) as [Report]
    await gone
    // Joining, first connections and compilation come first; the last second is only partly filled.
    const steady = report.samples.slice(2, -1)
    const window = Math.min(60, Math.floor(steady.length / 2))
    const settled = steady.slice(Math.floor(steady.length / 4))
    const peak = Math.max(...report.samples.map(({ rss }) => rss))
    const slope = slopePerMinute(settled.map(({ at, rss }) => ({ at, value: rss })))
    const heap = slopePerMinute(settled.map(({ at, heap: value }) => ({ at, value })))
    const notes = [
      `node ${execArgv.join(' ')}`,
      `${count} records in ${report.samples.length} s; slope after the first quarter ${slope.toFixed(2)} MiB/min (goal < 1), of the heap ${heap.toFixed(2)}`,
      `resident at a quarter, half and the end: ${[0.25, 0.5, 1].map((part) => steady[Math.floor((steady.length - 1) * part)]?.rss.toFixed(0)).join(', ')} MiB`,
    ]
    return [
      // A short run is still warming up: its slope is shown, and judged only in the full run.
      { ours: peak, baseline: 256, unit: 'MiB', notes, alsoMet: quick || slope < 1 },
      {
        ours: rateOf(steady.slice(-window)),
        baseline: rateOf(steady.slice(0, window)),
        unit: 'records/s',
        notes: [`over ${window} s each`],
      },
    ]
  },
}
