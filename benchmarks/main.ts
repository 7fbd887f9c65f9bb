import { parseArgs } from 'node:util'
import { type Benchmark, resultOf, type Result } from './lib/benchmark.ts'
import { backlogRss } from './workloads/backlog-rss.ts'
import { cron10k } from './workloads/cron-10k.ts'
import { keys1000 } from './workloads/keys-1000.ts'
import { noopHttp } from './workloads/noop-http.ts'
import { overheadP99 } from './workloads/overhead-p99.ts'
import { slow50ms } from './workloads/slow-50ms.ts'
import { topicMap100k } from './workloads/topic-map-100k.ts'

const benchmarks: readonly Benchmark[] = [noopHttp, slow50ms, keys1000, backlogRss, topicMap100k, cron10k, overheadP99]

const usage = `npm run bench -- [NAME ...] [--quick] [--json]

Each prints ours, the baseline of the same run, their ratio and the goal.
${benchmarks.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}
`

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

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
  const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name))
  if (unknown.length > 0) {
    process.stderr.write(`there is no benchmark ${unknown.join(', ')}\n\n${usage}`)
    return 2
  }
  for (const benchmark of benchmarks) {
    if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue
    const result = resultOf(benchmark, await benchmark.run(values.quick))
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`)
    else print(result, benchmark.about)
  }
  return 0
}

process.exitCode = await main()
