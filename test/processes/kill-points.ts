import type { Child } from './child.ts'
import { attachConnector, spawnConnector, type Connector, type ConnectorProgram } from './connector.ts'

export interface KillPlan {
  readonly kills: number
  /** The kill comes this long after the start of the process, evenly spread between both: the start-up is among the points. */
  readonly afterMs: readonly [number, number]
  /** Between 0 and 1, e.g. a seeded generator, so that a run can be repeated. */
  readonly random: () => number
  /** Called after each kill, with the connector down: the moment to compare the source's position with the ledger. */
  readonly onKilled?: (point: KillPoint) => void | Promise<void>
}

/** Where a process was killed. */
export interface KillPoint {
  readonly index: number
  readonly afterMs: number
  /** What it wrote until then. */
  readonly output: string
}

const killLater = async (child: Child, afterMs: number): Promise<void> => {
  const ended = await Promise.race([
    child.exited.then(() => true),
    new Promise<false>((resolve) => {
      setTimeout(() => resolve(false), afterMs)
    }),
  ])
  if (ended) throw new Error(`the connector ended by itself, before its kill point at ${afterMs} ms:\n${child.output()}`)
  await child.kill9()
}

/** Starts the connector and kills it with -9 at random points, again and again; then starts it once more and gives it back running. */
export const killAtRandomPoints = async (program: ConnectorProgram, plan: KillPlan): Promise<Connector> => {
  const [from, to] = plan.afterMs
  for (let index = 0; index < plan.kills; index++) {
    const afterMs = Math.round(from + plan.random() * (to - from))
    const child = await spawnConnector(program)
    await killLater(child, afterMs)
    await plan.onKilled?.({ index, afterMs, output: child.output() })
  }
  return attachConnector(await spawnConnector(program), program.startTimeoutMs)
}
