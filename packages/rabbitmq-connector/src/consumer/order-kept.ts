import type { FunctionDeclaration, FunctionsView, Order } from '@millrace/sdk'
import type { IntakePlan } from '../topology/plan.ts'

const wantsOrder = (declared: FunctionDeclaration | undefined, otherwise: Order): boolean =>
  ['key', 'partition'].includes(declared?.annotations.get('com.openfaas.connector.order')?.trim() ?? otherwise)

/** Whether the functions of a queue keep its order in their lanes, key by key or as a whole: then the queue need not go one by one. */
export class OrderKept {
  readonly #functions: Pick<FunctionsView, 'snapshot' | 'get'>
  readonly #otherwise: Order
  readonly #known = new Map<IntakePlan, boolean>()
  #seen: readonly FunctionDeclaration[] | undefined

  /** @param otherwise of functions that say none */
  constructor(functions: Pick<FunctionsView, 'snapshot' | 'get'>, otherwise: Order) {
    this.#functions = functions
    this.#otherwise = otherwise
  }

  /** Cheap, since it is asked for each message: snapshots are never edited, so the same one gives the same answer. */
  by(plan: IntakePlan): boolean {
    const snapshot = this.#functions.snapshot()
    if (snapshot !== this.#seen) {
      this.#known.clear()
      this.#seen = snapshot
    }
    const known = this.#known.get(plan)
    if (known !== undefined) return known
    const kept = this.#look(plan, snapshot)
    this.#known.set(plan, kept)
    return kept
  }

  #look({ function: only }: IntakePlan, functions: readonly FunctionDeclaration[]): boolean {
    if (only !== undefined) return wantsOrder(this.#functions.get(only), this.#otherwise)
    return functions.filter(({ topics }) => topics.length > 0).every((declared) => wantsOrder(declared, this.#otherwise))
  }
}
