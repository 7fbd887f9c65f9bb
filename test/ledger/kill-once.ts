import { setTimeout as pause } from 'node:timers/promises'
import { spawnConnector, type ConnectorProgram } from '../processes/connector.ts'
import { waitUntil } from '../processes/wait-until.ts'
import type { LedgerRun } from './ledger-run.ts'

export interface KillOnceOptions {
  /** Between 0 and 1. */
  readonly random: () => number
  /** At any moment of the start, instead of any moment of the work. */
  readonly early: boolean
  /** How long its first calls may take to come. */
  readonly waitMs: number
}

/** Starts a connector and kills it with -9. Resolves when the function has noticed that its callers are gone. */
export const killOnce = async (run: LedgerRun, program: ConnectorProgram, { random, early, waitMs }: KillOnceOptions): Promise<void> => {
  const before = run.activity
  const child = await spawnConnector(program)
  try {
    if (early) await pause(random() * 1500)
    else {
      await waitUntil(() => run.activity > before + 200 || !child.running, {
        timeoutMs: waitMs,
        everyMs: 10,
        what: () => `a call:\n${child.output()}`,
      })
      await pause(random() * 1000)
    }
    if (!child.running) throw new Error(`the connector ended by itself:\n${child.output()}`)
  } finally {
    await child.kill9()
  }
  // Whatever was on its way to the function.
  await pause(50)
  await waitUntil(() => run.calls().every(({ end }) => end !== Infinity), { timeoutMs: 10_000, what: 'the end of the calls of the dead' })
}
