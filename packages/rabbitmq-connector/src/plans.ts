import type { RabbitmqAnnotations } from './topology/annotations.ts'
import type { AppliedIntake } from './topology/apply-intake.ts'
import type { IntakeDeclarations, IntakePlan, TopologyPlan } from './topology/plan.ts'
import type { QueueOptions } from './transport/transport.ts'

/** The parts of a plan that name queues of ours. */
type Claims = Pick<IntakePlan, 'queue'> &
  Partial<Pick<IntakePlan, 'tiers' | 'deadLetterQueue'>> & { readonly declare: Pick<IntakeDeclarations, 'besides'> }

const queuesOf = ({ queue, declare, tiers = [], deadLetterQueue }: Claims): readonly string[] => [
  queue,
  ...declare.besides.map((beside) => beside.queue),
  ...tiers.map((tier) => tier.queue),
  ...(deadLetterQueue === undefined ? [] : [deadLetterQueue]),
]

/** Of queues that nobody wants any more the longest unwanted are forgotten first: functions may come and go for years under ever new names. */
const maxIntakes = 10_000

/**
 * What was wanted last, over all sessions: letters and retries of an intake may still come when its queue is wanted no more, and while
 * there is no session.
 */
export class Plans {
  readonly #intakes = new Map<string, IntakePlan>()
  readonly #applied = new Map<string, Pick<AppliedIntake, 'tiers' | 'asDeclared'>>()
  readonly #own = new Set<string>()
  #anyReply = false
  #functions: ReadonlyMap<string, RabbitmqAnnotations> = new Map()

  take(plan: TopologyPlan): void {
    this.#functions = plan.functions
    this.#anyReply = [...plan.functions.values()].some(({ reply }) => reply)
    for (const [queue, intake] of plan.intakes) {
      this.#intakes.delete(queue)
      this.#intakes.set(queue, intake)
    }
    if (this.#intakes.size > maxIntakes) this.#forgetOldest(plan)
    // Afterwards: one dead-letter queue may be that of all.
    for (const intake of plan.intakes.values()) this.#claim(intake)
    for (const [queue, { besides }] of plan.unwanted) this.#claim({ queue, declare: { besides } })
  }

  /** Those of the present plan stand last, and stay. */
  #forgetOldest({ intakes }: TopologyPlan): void {
    for (const [queue, intake] of this.#intakes) {
      if (this.#intakes.size <= maxIntakes || intakes.has(queue)) return
      this.#intakes.delete(queue)
      this.#applied.delete(queue)
      for (const own of queuesOf(intake)) this.#own.delete(own)
    }
  }

  #claim(intake: Claims): void {
    for (const queue of queuesOf(intake)) this.#own.add(queue)
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
    return this.#anyReply
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
}
