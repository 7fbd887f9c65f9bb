import type { Call } from '../../ledger/calls.ts'
import { killOnce } from '../../ledger/kill-once.ts'
import { attachConnector, spawnConnector } from '../../processes/connector.ts'
import { RabbitmqRun, type RunOptions } from '../kit/run.ts'

export interface KillOptions extends Pick<RunOptions, 'broker' | 'mode' | 'prefetch' | 'queueType'> {
  readonly kills: number
  readonly random: () => number
  /** @default 300 */
  readonly perSecond?: number
}

export interface KillFigures {
  readonly kills: number
  readonly events: number
  readonly duplicated: number
  /** The most that one kill has made come again; `prefetch` at most. */
  readonly mostOfOneKill: number
  /** Calls that a kill has cut. */
  readonly cut: number
}

/**
 * How many events each kill has made come again: a success before it, and another after it. Throws for one that came again with no kill
 * between.
 *
 * @param boundaries the lines of the function's file at which the kills were
 */
const repeatsOf = (calls: readonly Call[], boundaries: readonly number[]): readonly number[] => {
  const repeats = boundaries.map(() => 0)
  const kill = ({ begin }: Call): number => boundaries.filter((boundary) => boundary <= begin).length
  const last = new Map<string, Call>()
  for (const call of calls) {
    if (!call.success) continue
    const before = last.get(call.id)
    last.set(call.id, call)
    if (before === undefined) continue
    const cause = kill(before)
    if (cause === kill(call)) throw new Error(`${call.id} came again although nothing was killed: ${JSON.stringify([before, call])}`)
    repeats[cause] = (repeats[cause] ?? 0) + 1
  }
  return repeats
}

/**
 * Kills the connector with -9 again and again while messages come, then lets one finish. Throws when a message was lost or dead-lettered, or
 * when a kill made more come again than the prefetch.
 */
export const killConnector = async ({ kills, random, perSecond = 300, ...options }: KillOptions): Promise<KillFigures> => {
  await using run = await RabbitmqRun.open({ ...options, behaviour: [{ delayMs: [20, 300] }] })
  const load = run.load({ perSecond })
  const boundaries: number[] = []
  for (let index = 0; index < kills; index++) {
    await killOnce(run, run.program(), { random, early: index % 4 === 3, waitMs: 60_000 })
    boundaries.push(run.invocations().length)
  }
  const connector = await attachConnector(await spawnConnector(run.program()))
  run.adopt(connector)
  await load.finish()
  await run.drained(60_000)
  const found = await run.report({ kills, metrics: await connector.metrics() })
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
  const mostOfOneKill = Math.max(0, ...repeatsOf(run.calls(), boundaries))
  if (mostOfOneKill > run.prefetch)
    throw new Error(`a kill made ${mostOfOneKill} come again, more than the ${run.prefetch} that were fetched`)
  return { kills, events: found.confirmed, duplicated: found.duplicated, mostOfOneKill, cut: found.cut }
}
