import { attachConnector, spawnConnector } from '../../processes/connector.ts'
import { killOnce } from '../../ledger/kill-once.ts'
import type { PublishRecord } from '../../ledger/records.ts'
import { KafkaRun, type Committed } from '../kit/run.ts'

export interface KillOptions {
  readonly brokers: readonly string[]
  readonly kills: number
  readonly random: () => number
  /** @default 300 */
  readonly perSecond?: number
  readonly env?: Readonly<Record<string, string>>
}

export interface KillFigures {
  readonly kills: number
  readonly events: number
  readonly duplicated: number
  /** What might have been repeated, summed over the kills: run with success, and not covered by the commit. */
  readonly window: number
  readonly largestWindow: number
  /** Calls that a kill has cut. */
  readonly cut: number
}

/** Base 36 runs, `m1:gap.length,...`: read here anew, so that the test does not believe the connector's own reader. */
const isInRuns = ({ offset, metadata }: Committed, asked: number): boolean => {
  if (!metadata.startsWith('m1:')) return false
  let at = offset
  for (const part of metadata.slice(3).split(',')) {
    const [gap = '0', length = '0'] = part.split('.')
    const from = at + Number.parseInt(gap, 36)
    at = from + Number.parseInt(length, 36)
    if (asked >= from && asked < at) return true
  }
  return false
}

/** Events that had succeeded, and that the group's commit does not say so of: these and no others may run again. */
const uncovered = async (run: KafkaRun): Promise<ReadonlySet<string>> => {
  const committed = await run.committed()
  const positions = new Map(
    run
      .published()
      .flatMap((record: PublishRecord) => (record.kind === 'confirmed' && record.position ? [[record.id, record.position]] : [])),
  )
  const isCovered = (id: string): boolean => {
    const position = positions.get(id)
    const found = committed.get(Number(position?.intake.split('/')[1]))
    if (position === undefined || found === undefined) return false
    return position.offset < found.offset || isInRuns(found, position.offset)
  }
  return new Set([...run.succeeded()].filter((id) => !isCovered(id)))
}

/**
 * Kills the connector with -9 again and again while events come, then lets one finish. Throws when an event was lost, when one came again
 * that the commit had covered, or when the order by key broke.
 */
export const killConnector = async ({ brokers, kills, random, perSecond = 300, env = {} }: KillOptions): Promise<KillFigures> => {
  const times = { kafka_session_timeout: '3s', kafka_rebalance_timeout: '6s', ...env }
  await using run = await KafkaRun.open({ brokers, behaviour: [{ delayMs: [0, 100] }] })
  const load = run.load({ perSecond })
  const windows: number[] = []
  const mayRepeat = new Set<string>()
  for (let index = 0; index < kills; index++) {
    await killOnce(run, run.program(times), { random, early: index % 4 === 3, waitMs: 60_000 })
    const window = await uncovered(run)
    windows.push(window.size)
    for (const id of window) mayRepeat.add(id)
  }
  const connector = await attachConnector(await spawnConnector(run.program(times)))
  run.adopt(connector)
  await load.finish()
  await run.drained()
  const total = windows.reduce((sum, size) => sum + size, 0)
  const found = await run.report({ duplicateBound: total, metrics: await connector.metrics() })
  const unexplained = found.duplicates.filter(({ id }) => !mayRepeat.has(id))
  if (unexplained.length > 0) throw new Error(`run again although the commit covered them: ${JSON.stringify(unexplained.slice(0, 5))}`)
  if (found.problems.length > 0) throw new Error(found.problems.join('; '))
  if (found.confirmed !== found.succeeded) throw new Error(`${found.confirmed} confirmed, ${found.succeeded} succeeded`)
  return {
    kills,
    events: found.confirmed,
    duplicated: found.duplicated,
    window: total,
    largestWindow: Math.max(0, ...windows),
    cut: found.cut,
  }
}
