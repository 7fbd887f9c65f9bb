import { setTimeout as pause } from 'node:timers/promises'
import type { LedgerRun } from '../ledger/ledger-run.ts'
import type { Load } from '../ledger/load.ts'
import type { Report, ReportInput } from '../ledger/report.ts'
import type { Connector } from '../processes/connector.ts'
import type { HeapFloor } from './heap-floor.ts'
import type { StepContext } from './part.ts'

const perSecond = 100
const stepMs = 60_000
const rssLimit = 256 * 1024 * 1024
const lookMs = 2_000

/** A run whose books can be read. */
interface SoakedRun extends LedgerRun {
  load(options: { readonly perSecond: number; readonly total: number }): Load
  drained(timeoutMs: number): Promise<void>
  report(options: Partial<ReportInput>): Promise<Report>
}

const mib = (bytes: number): number => Math.round(bytes / 1_048_576)

/** The smallest heap that is seen until `end` settles: what the last collection has left, nearly. */
const lowestHeap = async (connector: Connector, end: Promise<unknown>): Promise<number> => {
  let lowest = Infinity
  let isOver = false
  const over = (): void => void (isOver = true)
  const settled = end.then(over, over)
  while (!isOver) {
    const used = (await connector.metrics()).sum('millrace_process_heap_used_bytes')
    if (used === 0) throw new Error('the connector does not say how large its heap is')
    lowest = Math.min(lowest, used)
    await Promise.race([settled, pause(lookMs, undefined, { ref: false })])
  }
  return lowest
}

/** A minute of a steady load; then the books balance, and memory is what it may be. `heap` is the same one for all steps of a connector. */
export const soakStep = async (run: SoakedRun, connector: Connector, heap: HeapFloor, { signal }: StepContext): Promise<string> => {
  const load = run.load({ perSecond, total: (perSecond * stepMs) / 1000 })
  const loaded = Promise.race([load.done, pause(2 * stepMs, undefined, { signal, ref: false })])
  const [, low] = await Promise.all([loaded, lowestHeap(connector, loaded)])
  heap.add(low)
  await run.drained(60_000)
  const metrics = await connector.metrics()
  const found = await run.report({ duplicateBound: 0, metrics })
  const rss = metrics.sum('millrace_process_resident_memory_bytes')
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
  if (rss > rssLimit) throw new Error(`memory: ${mib(rss)} MiB`)
  if (heap.leaked !== undefined) throw new Error(`the heap leaks: its lowest size has risen by ${mib(heap.leaked)} MiB`)
  return `${found.succeeded} events so far, ${mib(rss)} MiB, heap at least ${mib(low)} MiB`
}
