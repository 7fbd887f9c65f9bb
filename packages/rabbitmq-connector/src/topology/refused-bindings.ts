import { MillraceError } from '@millrace/sdk'
import type { Logger } from '@millrace/sdk'
import { byId } from './binding-record.ts'
import type { Binding } from './plan.ts'

/** Bindings that the broker refuses while others of their queue stand. Each is said once for as long as it is refused, and its end too. */
export class RefusedBindings {
  readonly #logger: Logger
  readonly #known = new Map<string, ReadonlySet<string>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @param refused by id, all that are refused of the queue now @returns each as `E_RABBITMQ_BINDING_REFUSED` */
  take(queue: string, wanted: readonly Binding[], refused: ReadonlyMap<string, MillraceError>): readonly MillraceError[] {
    const known = this.#known.get(queue)
    if (refused.size === 0) this.#known.delete(queue)
    else this.#known.set(queue, new Set(refused.keys()))
    const bindings = byId(wanted)
    const all = [...refused].map(([id, cause]) => [id, this.#problem(queue, bindings.get(id), cause)] as const)
    const fresh = all.filter(([id]) => known?.has(id) !== true).map(([, problem]) => problem)
    // A function may name thousands, and one right is behind them all.
    const [first, ...others] = fresh
    if (first !== undefined)
      this.#logger.warn(first.message, { code: first.code, effect: first.effect, fix: first.fix, others: others.length })
    if (known !== undefined && refused.size === 0) this.#logger.info('what was refused is bound now', { queue })
    return all.map(([, problem]) => problem)
  }

  #problem(queue: string, binding: Binding | undefined, cause: MillraceError): MillraceError {
    const { exchange = '', routingKey = '' } = binding ?? {}
    return new MillraceError(
      'E_RABBITMQ_BINDING_REFUSED',
      { queue, exchange, key: routingKey, reason: cause.message, how: cause.fix },
      cause,
    )
  }
}
