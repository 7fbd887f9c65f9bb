import { isMillraceError, MillraceError } from '@millrace/sdk'
import type { Clock, Logger, StateStore } from '@millrace/sdk'
import type { AmqpLink, QueueState } from '../transport/transport.ts'
import { applyBindings, isRefusal, unbind } from './apply-bindings.ts'
import { BindingBook } from './binding-book.ts'
import type { BindingRecord } from './binding-record.ts'
import { declareExchange, declareQueue } from './declare-one.ts'
import type { Declared, DeclarePlace } from './declare-one.ts'
import type { DelayTier, IntakeDeclarations, IntakePlan, TopologyPlan } from './plan.ts'
import { RefusedBindings } from './refused-bindings.ts'
import { ScratchChannel } from './scratch-channel.ts'

/** @see TopologyApplier */
export interface ApplierOptions {
  readonly state: StateStore
  readonly clock: Clock
  readonly logger: Logger
  readonly vhost: string
  /** Replicas of one connector have the same, other connectors another: see `BindingBook`. */
  readonly owner: string
  /** How long the queue of a function that is gone stays bound: a function that is deployed anew misses nothing. @default 300000 */
  readonly retireAfterMs?: number
}

/** What was found or made. */
export interface AppliedIntake {
  readonly state: QueueState
  /** Those of the plan that are there. */
  readonly tiers: readonly DelayTier[]
  /** The queue is known to have the arguments of the plan. */
  readonly asDeclared: boolean
  /** What is there with other arguments and is used as it is: `E_RABBITMQ_DRIFT` each. */
  readonly drift: readonly MillraceError[]
  /** Wanted bindings that the broker does not make just now. The others stand, so the queue is consumed. */
  readonly refused: readonly MillraceError[]
}

const isWanted = ({ queue, function: name }: BindingRecord, { intakes, unwanted, problems }: TopologyPlan): boolean =>
  intakes.has(queue) || unwanted.has(queue) || (name !== undefined && problems.some((problem) => problem.function === name))

type Door = Pick<AmqpLink, 'openChannel'>

const maxWarned = 10_000
/** After a queue could not be unbound. */
const retryMs = 60_000

/**
 * Makes the broker as the plan says. One for the life of a source: it knows what it has bound and of what it has warned.
 *
 * AMQP 0-9-1 has three limits that shape it. Arguments of a queue never change: one that is there otherwise is used as it is (drift).
 * Bindings cannot be listed: those that we made are kept in the state store. And a quorum queue cannot be deleted on the condition that it
 * is empty (540, which ends the connection), nor its time to live be set afterwards: so the queue of a function that is gone is unbound,
 * kept with what is in it, and said; deleting it is a person's, or `rabbitmq_queue_expires`'.
 */
export class TopologyApplier {
  readonly #options: ApplierOptions
  readonly #book: BindingBook
  readonly #warned = new Set<string>()
  /** Since when (monotonic) a queue is not wanted any more. */
  readonly #goneSince = new Map<string, number>()
  /** Queues that are being unbound. */
  readonly #retiring = new Map<string, Promise<boolean>>()
  readonly #refused: RefusedBindings

  constructor(options: ApplierOptions) {
    const { state, owner, vhost } = options
    this.#options = options
    this.#book = new BindingBook({ state, owner, vhost, warn: (problem) => this.#warn(problem) })
    this.#refused = new RefusedBindings(options.logger)
  }

  /**
   * Declares what an intake needs, in this order: exchanges, dead letters, delay queues, the queue, its bindings.
   *
   * @throws MillraceError why it cannot be consumed: `E_RABBITMQ_NOT_DECLARED`, `E_RABBITMQ_QUEUE_MISSING`, `E_RABBITMQ_DENIED`, …
   */
  async apply(link: Door, plan: IntakePlan): Promise<AppliedIntake> {
    const scratch = new ScratchChannel(link)
    this.#goneSince.delete(plan.queue)
    // It is wanted again: what is bound now must not be unbound by what was begun before.
    await this.#retiring.get(plan.queue)
    try {
      return await this.#apply(scratch, plan.queue, plan.declare, plan.tiers, plan.function)
    } finally {
      await scratch.close()
    }
  }

  /** Declares configured queues that nobody consumes, so that what is published is kept. Never rejects: what fails is logged. */
  async applyUnwanted(link: Door, plan: TopologyPlan): Promise<void> {
    const scratch = new ScratchChannel(link)
    for (const [queue, declarations] of plan.unwanted) {
      try {
        await this.#apply(scratch, queue, declarations, [], undefined)
      } catch (error) {
        this.#report(error, 'a configured queue that no function wants could not be declared', { queue })
      }
    }
    await scratch.close()
  }

  /**
   * Unbinds the queues of functions that are gone, or that want theirs no more, once they have been gone for `retireAfterMs`. A function
   * with a faulty annotation is not taken for one that wants nothing. Call it after the consumers of such queues are closed, with every
   * new plan. Never rejects.
   *
   * @param latest the plan in force, looked at again before each queue: others may go on to a new one meanwhile
   * @param mayDeclare false: nothing is bound or unbound by this connector
   * @returns milliseconds after which it should be called again; `undefined`: when the plan changes
   */
  async retire(link: Door, latest: () => TopologyPlan, mayDeclare: boolean): Promise<number | undefined> {
    if (!mayDeclare) return undefined
    const now = this.#options.clock.monotonic()
    const scratch = new ScratchChannel(link)
    let next: number | undefined
    for (const record of await this.#book.queues()) {
      const { queue } = record
      if (isWanted(record, latest())) {
        this.#goneSince.delete(queue)
        continue
      }
      const since = this.#goneSince.get(queue) ?? now
      this.#goneSince.set(queue, since)
      const leftMs = since + (this.#options.retireAfterMs ?? 300_000) - now
      if (leftMs > 0) next = Math.min(next ?? leftMs, leftMs)
      else {
        const retiring = this.#retireOne(scratch, record).finally(() => this.#retiring.delete(queue))
        this.#retiring.set(queue, retiring)
        if (!(await retiring)) next = Math.min(next ?? retryMs, retryMs)
      }
    }
    await scratch.close()
    return next
  }

  async #apply(
    scratch: ScratchChannel,
    queue: string,
    declarations: IntakeDeclarations,
    tiers: readonly DelayTier[],
    functionName: string | undefined,
  ): Promise<AppliedIntake> {
    const { vhost } = this.#options
    const consequence = `The queue ${queue} is not consumed, and it is looked at again with a growing wait; other queues go on`
    const place = { vhost, consequence }
    const letters = { vhost, consequence: `${consequence}. Its dead letters would have nowhere to go` }
    const drift: (MillraceError | undefined)[] = []
    const absent = await this.#exchanges(scratch, queue, declarations, place, drift)
    const missing = new Set<string>()
    for (const beside of declarations.besides) {
      const isTier = tiers.some((tier) => tier.queue === beside.queue)
      if (!isTier) drift.push((await declareQueue(scratch, beside, letters)).drift)
      else if (!(await this.#tier(scratch, queue, beside, drift))) missing.add(beside.queue)
    }
    const wanted = declarations.queue
    const state: Declared =
      wanted === undefined
        ? { state: await scratch.run((channel) => channel.checkQueue(queue)) }
        : await declareQueue(scratch, wanted, place)
    drift.push(state.drift)
    const refused = await this.#bind(scratch, queue, declarations, functionName, absent)
    const found = drift.filter((problem) => problem !== undefined)
    for (const problem of found) this.#warn(problem)
    const there = tiers.filter((tier) => !missing.has(tier.queue))
    return { state: state.state, tiers: there, asDeclared: state.asDeclared === true, drift: found, refused }
  }

  /** @returns those that are not there, while something else leads to the queue @throws MillraceError when nothing does */
  async #exchanges(
    scratch: ScratchChannel,
    queue: string,
    { exchanges, bindings }: IntakeDeclarations,
    place: DeclarePlace,
    drift: (MillraceError | undefined)[],
  ): Promise<ReadonlyMap<string, MillraceError>> {
    const absent = new Map<string, MillraceError>()
    for (const exchange of exchanges) {
      try {
        drift.push(await declareExchange(scratch, exchange, place))
      } catch (error) {
        if (!isRefusal(error)) throw error
        absent.set(exchange.exchange, error)
      }
    }
    const [first] = absent.values()
    if (first === undefined) return absent
    const known = await this.#book.known(queue)
    if ([...bindings, ...known.values()].every(({ exchange }) => absent.has(exchange))) throw first
    return absent
  }

  /** @returns what is refused while something else leads to the queue @throws the first refusal when nothing does */
  async #bind(
    scratch: ScratchChannel,
    queue: string,
    { queue: own, bindings, keepBindings }: IntakeDeclarations,
    functionName: string | undefined,
    absent: ReadonlyMap<string, MillraceError>,
  ): Promise<readonly MillraceError[]> {
    const named = functionName === undefined ? {} : { function: functionName }
    const wanted = { queue, ...named, bindings, keep: keepBindings === true }
    const applied =
      own?.how === 'check'
        ? { refused: new Map<string, MillraceError>(), anyStands: false }
        : await applyBindings(scratch, wanted, this.#book, (problem) => this.#warn(problem), absent)
    const [first] = applied.refused.values()
    if (first !== undefined && !applied.anyStands) throw first
    return this.#refused.take(queue, bindings, applied.refused)
  }

  /** Without a delay queue nothing is lost: retries that would lie in it wait in the process. */
  async #tier(
    scratch: ScratchChannel,
    queue: string,
    wanted: Parameters<typeof declareQueue>[1],
    drift: (MillraceError | undefined)[],
  ): Promise<boolean> {
    const consequence = `Retries of the queue ${queue} that would lie in it wait in the process; nothing is lost`
    try {
      drift.push((await declareQueue(scratch, wanted, { vhost: this.#options.vhost, consequence })).drift)
      return true
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'E_RABBITMQ_NOT_DECLARED') throw error
      this.#warn(error)
      return false
    }
  }

  /** @returns false when it is to be tried again */
  async #retireOne(scratch: ScratchChannel, record: BindingRecord): Promise<boolean> {
    const { queue, function: name, bindings } = record
    try {
      const gone = new Set<string>()
      for (const [id, binding] of bindings) {
        if (await unbind(scratch, queue, binding, (problem) => this.#warn(problem))) gone.add(id)
      }
      await this.#book.remove(queue, name, gone)
      this.#goneSince.delete(queue)
      const { messages } = await scratch.run((channel) => channel.checkQueue(queue))
      const said = new MillraceError('E_RABBITMQ_QUEUE_RETIRED', {
        queue,
        messages,
        vhost: this.#options.vhost,
        function: name ?? '(several)',
      })
      if (messages > 0) this.#warn(said)
      else this.#options.logger.info('a queue is unbound, since no function wants it; it is empty and can be deleted', { queue })
      return gone.size === bindings.size
    } catch (error) {
      if (isMillraceError(error) && error.code === 'E_RABBITMQ_QUEUE_MISSING') return true
      this.#report(error, 'the queue of a function that is gone could not be unbound; it is tried again', { queue })
      return false
    }
  }

  /** Once for the same thing. */
  #warn(problem: MillraceError): void {
    if (this.#warned.has(problem.message)) return
    if (this.#warned.size >= maxWarned) this.#warned.clear()
    this.#warned.add(problem.message)
    this.#options.logger.warn(problem.message, { code: problem.code, effect: problem.effect, fix: problem.fix })
  }

  #report(error: unknown, what: string, fields: Readonly<Record<string, unknown>>): void {
    if (isMillraceError(error)) this.#warn(error)
    else this.#options.logger.warn(what, { error: String(error), ...fields })
  }
}
