import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from '../lib/benchmark.ts'
import { slopePerMinute } from '../lib/slope.ts'
import { startServer } from '../lib/start-server.ts'

interface Report {
  readonly samples: readonly { readonly at: number; readonly rss: number; readonly heap: number }[]
  readonly waiting: number
  readonly acked: number
}

export const backlogRss: Benchmark = {
  name: 'backlog-rss',
  about: 'a million events of 1 KiB wait in a source whose window is full behind a slow function: resident memory against 256 MiB',
  goal: { atMost: 1 },
  async run(quick) {
    await using server = await startServer({ slow: { topic: 't' } }, 100)
    const child = fork(fileURLToPath(new URL('../lib/backlog-child.ts', import.meta.url)), [server.url, quick ? '16' : '120'])
    const [report] = (await once(child, 'message')) as [Report]
    await once(child, 'exit')
    const peak = Math.max(...report.samples.map((sample) => sample.rss))
    const slope = slopePerMinute(report.samples.map(({ at, rss }) => ({ at, value: rss })))
    const notes = [
      `slope ${slope.toFixed(2)} MiB/min after warm-up (goal < 1)`,
      `${report.waiting} events in the window, ${report.acked} delivered`,
    ]
    // A short run is still warming up: its slope is shown, and judged only in the full run.
    return { ours: peak, baseline: 256, unit: 'MiB', notes, alsoMet: quick || slope < 1 }
  },
}
