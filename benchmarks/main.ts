import { inspect, parseArgs } from 'node:util'
import { TestBedError } from '../test/servers/test-bed-error.ts'
import { type Benchmark, type Comparisons, type Line, type Measured, resultOf, type Result } from './lib/benchmark.ts'
import { backlogRss } from './workloads/backlog-rss.ts'
import { cron10k } from './workloads/cron-10k.ts'
import { kafkaBacklogRss } from './workloads/kafka-backlog-rss.ts'
import { kafkaDuplicates } from './workloads/kafka-duplicates.ts'
import { kafkaKeys } from './workloads/kafka-keys.ts'
import { kafkaNoop } from './workloads/kafka-noop.ts'
import { kafkaOnePartition10ms } from './workloads/kafka-one-partition-10ms.ts'
import { kafkaSlow50ms } from './workloads/kafka-slow-50ms.ts'
import { keys1000 } from './workloads/keys-1000.ts'
import { noopHttp } from './workloads/noop-http.ts'
import { overheadP99 } from './workloads/overhead-p99.ts'
import { rabbitmqBacklogRss } from './workloads/rabbitmq-backlog-rss.ts'
import { rabbitmqNoop } from './workloads/rabbitmq-noop.ts'
import { rabbitmqRestart } from './workloads/rabbitmq-restart.ts'
import { rabbitmqSlow50ms } from './workloads/rabbitmq-slow-50ms.ts'
import { slow50ms } from './workloads/slow-50ms.ts'
import { topicMap100k } from './workloads/topic-map-100k.ts'

const benchmarks: readonly (Benchmark | Comparisons)[] = [
  noopHttp,
  slow50ms,
  keys1000,
  backlogRss,
  topicMap100k,
  cron10k,
  overheadP99,
  kafkaKeys,
  kafkaNoop,
  kafkaSlow50ms,
  kafkaOnePartition10ms,
  kafkaBacklogRss,
  kafkaDuplicates,
  rabbitmqNoop,
  rabbitmqSlow50ms,
  rabbitmqBacklogRss,
  rabbitmqRestart,
]

const usage = `npm run bench -- [NAME ...] [--quick] [--json]

Each prints ours, the baseline of the same run, their ratio and the goal. A NAME that ends in a dash stands for all that begin with it:
"kafka-" is every Kafka benchmark (those need Java 17 and Maven), "rabbitmq-" every one of RabbitMQ (rabbitmq-server of Debian).
${benchmarks.map(({ name, about }) => `  ${name.padEnd(24)} ${about}`).join('\n')}
`

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

const fits = (benchmark: string, asked: string): boolean => benchmark === asked || (asked.endsWith('-') && benchmark.startsWith(asked))

const runOne = async (benchmark: Benchmark | Comparisons, quick: boolean): Promise<readonly { line: Line; measured: Measured }[]> => {
  if (!('lines' in benchmark)) return [{ line: benchmark, measured: await benchmark.run(quick) }]
  const measured = await benchmark.run(quick)
  return benchmark.lines.flatMap((line, index) => (measured[index] === undefined ? [] : [{ line, measured: measured[index] }]))
}

const print = (result: Result, about: string): void => {
  const { name, ours, baseline, unit, ratio, goal, met, notes } = result
  const verdict = met ? 'met' : 'NOT MET'
  process.stdout.write(`${name}: ${about}\n`)
  process.stdout.write(
    `  ours ${figure(ours)} ${unit}, baseline ${figure(baseline)} ${unit}, ratio ${ratio.toFixed(2)}, goal ${goal}: ${verdict}\n`,
  )
  for (const note of notes) process.stdout.write(`  ${note}\n`)
}

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const unknown = positionals.filter((asked) => !benchmarks.some(({ name }) => fits(name, asked)))
  if (unknown.length > 0) {
    process.stderr.write(`there is no benchmark ${unknown.join(', ')}\n\n${usage}`)
    return 2
  }
  let failed = false
  for (const benchmark of benchmarks) {
    if (positionals.length > 0 && !positionals.some((asked) => fits(benchmark.name, asked))) continue
    try {
      for (const { line, measured } of await runOne(benchmark, values.quick)) {
        const result = resultOf(line, measured)
        if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`)
        else print(result, line.about)
      }
    } catch (error) {
      // One that cannot run, say without Java, must not take the others with it.
      failed = true
      const missing = error instanceof TestBedError
      process.stderr.write(`${benchmark.name} did not run: ${missing ? error.message : inspect(error)}\n`)
    }
  }
  return failed ? 1 : 0
}

process.exitCode = await main()
