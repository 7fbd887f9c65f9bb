import { cronSource } from '@millrace/cron-connector'
import { noMetrics, memoryState, silentLogger } from '@millrace/sdk'
import type { AnnotationProblem, Clock, FunctionDeclaration, FunctionsView } from '@millrace/sdk'

/** A clock whose timers never come due: nothing fires while schedules are read. */
const stoppedClock = (now: number): Clock => ({ now: () => now, monotonic: () => 0, after: () => ({ cancel: () => undefined }) })

const viewOf = (declarations: readonly FunctionDeclaration[]): FunctionsView => ({
  snapshot: () => declarations,
  get: (name) => declarations.find((declared) => declared.function === name),
  subscribe: () => () => undefined,
})

/** What the cron source itself says of the functions' schedules. Nothing is run. */
export const checkSchedules = async (
  declarations: readonly FunctionDeclaration[],
  timezone: string,
): Promise<readonly AnnotationProblem[]> => {
  let problems: readonly AnnotationProblem[] = []
  const clock = stoppedClock(Date.now())
  const stopped = new AbortController()
  const session = await cronSource({ timezone }).connect({
    functions: viewOf(declarations),
    emit: (delivery) => delivery.release('drain'),
    accept: () => Promise.resolve(false),
    revoke: () => Promise.resolve(),
    reportProblems: (found) => {
      problems = found
    },
    state: memoryState({ clock }),
    metrics: noMetrics,
    clock,
    draining: stopped.signal,
    signal: stopped.signal,
    logger: silentLogger,
  })
  stopped.abort()
  await session.close()
  return problems
}
