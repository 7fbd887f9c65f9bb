import type { RabbitmqAnnotations } from './topology/annotations.ts'
import type { AppliedIntake } from './topology/apply-intake.ts'
import type { IntakeDeclarations, IntakePlan, TopologyPlan } from './topology/plan.ts'
import type { QueueOptions } from './transport/transport.ts'

/**
 * What was wanted last, over all sessions: letters and retries of an intake may still come when its queue is wanted no more, and while
 * there is no session.
 */
export class Plans {
  readonly #intakes = new Map<string, IntakePlan>()
  readonly #applied = new Map<string, Pick<AppliedIntake, 'tiers' | 'asDeclared'>>()
  readonly #own = new Set<string>()
  #functions: ReadonlyMap<string, RabbitmqAnnotations> = new Map()

  take(plan: TopologyPlan): void {
    this.#functions = plan.functions
    for (const [queue, intake] of plan.intakes) {
      this.#intakes.set(queue, intake)
      this.#claim(queue, intake.declare)
      if (intake.deadLetterQueue !== undefined) this.#own.add(intake.deadLetterQueue)
      for (const tier of intake.tiers) this.#own.add(tier.queue)
    }
    for (const [queue, declarations] of plan.unwanted) this.#claim(queue, declarations)
  }

  /** What of an intake is there. */
  setApplied(queue: string, { tiers, asDeclared }: AppliedIntake): void {
    this.#applied.set(queue, { tiers, asDeclared })
  }

  /** An intake with the ways of retrying that can be used. */
  intake(queue: string): IntakePlan | undefined {
    const plan = this.#intakes.get(queue)
    const applied = this.#applied.get(queue)
    if (plan === undefined || applied === undefined) return plan
    return { ...plan, tiers: applied.tiers, nativeRetry: plan.nativeRetry === true && applied.asDeclared }
  }

  annotations(name: string): RabbitmqAnnotations | undefined {
    return this.#functions.get(name)
  }

  /** Some function wants its answers published. */
  get anyReply(): boolean {
    for (const { reply } of this.#functions.values()) if (reply) return true
    return false
  }

  /** A queue of this connector: its work, delay and dead-letter queues. */
  isOwn(queue: string): boolean {
    return this.#own.has(queue)
  }

  /** How a dead-letter queue is declared; `undefined`: it is not for us to. */
  declaration(queue: string): QueueOptions | undefined {
    for (const { declare } of this.#intakes.values()) {
      const found = declare.besides.find((beside) => beside.queue === queue)
      if (found !== undefined) return found.how === 'check' ? undefined : found
    }
    return undefined
  }

  #claim(queue: string, { besides }: IntakeDeclarations): void {
    this.#own.add(queue)
    for (const beside of besides) this.#own.add(beside.queue)
  }
}
