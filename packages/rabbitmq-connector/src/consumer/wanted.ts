import type { FunctionDeclaration, FunctionsView } from '@millrace/sdk'
import type { TopologyPlan } from '../topology/plan.ts'

/**
 * Which queues the functions want at this very moment. Consumers follow a change of the functions a settle time later; what they hand over
 * meanwhile from a queue that nobody wants any more would be acknowledged without a call, although the queue is kept.
 */
export class Wanted {
  readonly #functions: Pick<FunctionsView, 'snapshot'>
  readonly #plan: (functions: readonly FunctionDeclaration[]) => Pick<TopologyPlan, 'intakes'>
  #seen: readonly FunctionDeclaration[] | undefined
  #queues: ReadonlyMap<string, unknown> = new Map()

  constructor(
    functions: Pick<FunctionsView, 'snapshot'>,
    plan: (functions: readonly FunctionDeclaration[]) => Pick<TopologyPlan, 'intakes'>,
  ) {
    this.#functions = functions
    this.#plan = plan
  }

  /** Cheap: snapshots are never edited, so the same one gives the same answer. */
  has(queue: string): boolean {
    const snapshot = this.#functions.snapshot()
    if (snapshot !== this.#seen) {
      this.#queues = this.#plan(snapshot).intakes
      this.#seen = snapshot
    }
    return this.#queues.has(queue)
  }
}
