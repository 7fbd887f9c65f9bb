import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Measured } from './benchmark.ts'
import { slopePerMinute } from './slope.ts'

interface Report {
  /** `at` in seconds, memory in MiB. */
  readonly samples: readonly { readonly at: number; readonly rss: number; readonly heap: number; readonly acked: number }[]
}

type Samples = Report['samples']

/**
 * As in a container of 256 MiB: otherwise V8 takes the machine's memory for its own, and lets garbage lie for as long as there is room.
 */
export const containerFlags: readonly string[] = ['--max-old-space-size=128', '--max-semi-space-size=4']

/** What a child works off. */
export interface Backlog {
  readonly count: number
  /** What it holds, e.g. `records`. */
  readonly things: string
  readonly quick: boolean
}

/** Events per second between two samples. */
const rateOf = (samples: Samples): number => {
  const [first, last] = [samples[0], samples.at(-1)]
  return first === undefined || last === undefined || first === last ? 0 : (last.acked - first.acked) / (last.at - first.at)
}

/**
 * Waits for the report of a connector in a process of its own that was started with `containerFlags` and samples itself each second. Gives
 * its highest resident memory against 256 MiB, and the rate of its last minute against that of its first.
 */
export const backlogMemory = async (child: ChildProcess, { count, things, quick }: Backlog): Promise<readonly [Measured, Measured]> => {
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
    `node ${containerFlags.join(' ')}`,
    `${count} ${things} in ${report.samples.length} s; slope after the first quarter ${slope.toFixed(2)} MiB/min (goal < 1), of the heap ${heap.toFixed(2)}`,
    `resident at a quarter, half and the end: ${[0.25, 0.5, 1].map((part) => steady[Math.floor((steady.length - 1) * part)]?.rss.toFixed(0)).join(', ')} MiB`,
  ]
  return [
    // A short run is still warming up: its slope is shown, and judged only in the full run.
    { ours: peak, baseline: 256, unit: 'MiB', notes, alsoMet: quick || slope < 1 },
    {
      ours: rateOf(steady.slice(-window)),
      baseline: rateOf(steady.slice(0, window)),
      unit: `${things}/s`,
      notes: [`over ${window} s each`],
    },
  ]
}
