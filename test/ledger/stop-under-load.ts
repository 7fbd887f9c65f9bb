import { setTimeout as pause } from 'node:timers/promises'
import type { Connector } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import type { LedgerRun } from './ledger-run.ts'

/** A stop by SIGTERM in the middle of the work. */
export interface StopFigures {
  readonly tookMs: number
  /** Calls that ran when it came. */
  readonly running: number
}

const count = (run: LedgerRun): number => run.calls().filter(({ end }) => end === Infinity).length

/** Waits for a call of `connector`, then SIGTERM after `afterMs`. Throws when the exit code is not 0. */
export const stopUnderLoad = async (run: LedgerRun, connector: Connector, afterMs: number): Promise<StopFigures> => {
  const before = run.activity
  await waitUntil(() => run.activity > before, { timeoutMs: 30_000, everyMs: 10, what: () => `a call:\n${connector.output()}` })
  await pause(afterMs)
  const running = count(run)
  const startedAt = performance.now()
  connector.terminate()
  const { code, signal } = await connector.exited
  if (code !== 0) throw new Error(`the connector ended with ${code ?? signal}:\n${connector.output()}`)
  return { tookMs: Math.round(performance.now() - startedAt), running }
}
