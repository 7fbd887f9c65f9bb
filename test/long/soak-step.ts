import { setTimeout as pause } from 'node:timers/promises'
import type { LedgerRun } from '../ledger/ledger-run.ts'
import type { Load } from '../ledger/load.ts'
import type { Report, ReportInput } from '../ledger/report.ts'
import type { Connector } from '../processes/connector.ts'
import type { StepContext } from './part.ts'

const perSecond = 100
const stepMs = 60_000
const rssLimit = 256 * 1024 * 1024

/** A run whose books can be read. */
interface SoakedRun extends LedgerRun {
  load(options: { readonly perSecond: number; readonly total: number }): Load
  drained(timeoutMs: number): Promise<void>
  report(options: Partial<ReportInput>): Promise<Report>
}

/** A minute of a steady load; then the books balance, and memory is what it may be. */
export const soakStep = async (run: SoakedRun, connector: Connector, { signal }: StepContext): Promise<string> => {
  const load = run.load({ perSecond, total: (perSecond * stepMs) / 1000 })
  await Promise.race([load.done, pause(2 * stepMs, undefined, { signal, ref: false })])
  await run.drained(60_000)
  const metrics = await connector.metrics()
  const found = await run.report({ duplicateBound: 0, metrics })
  const rss = metrics.sum('millrace_process_resident_memory_bytes')
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
  if (rss > rssLimit) throw new Error(`memory: ${Math.round(rss / 1_048_576)} MiB`)
  return `${found.succeeded} events so far, ${Math.round(rss / 1_048_576)} MiB`
}
