import { MillraceError } from '@millrace/sdk'
import type { Logger, MillraceEvent, Target } from '@millrace/sdk'
import type { MappedMessage } from '../mapping/message-to-event.ts'
import { returnsOf } from '../mapping/returns.ts'
import type { IntakePlan } from '../topology/plan.ts'
import type { DeliveredMessage } from '../transport/message.ts'

/** @see NativeRetries */
export interface NativeRetryOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly logger: Logger
}

/** The parts of a plan that say how its queue retries. */
export type NativePlan = Pick<IntakePlan, 'queue' | 'function' | 'nativeRetry' | 'declare'>

/** A delayed retry that the queue itself may take over. */
export interface NativeRequest {
  readonly event: MillraceEvent
  readonly message: DeliveredMessage
  readonly plan: NativePlan
  readonly routes: readonly Target[]
  readonly afterMs: number
}

/** What a message that was rejected should come back as. */
interface Waiting {
  readonly target: Target
  readonly returns: number
  readonly since: number
  readonly waitMs: number
}

const maxWaiting = 10_000
const maxAttempts = 10_000

const numberIn = ({ declare }: NativePlan, name: string): number | undefined => {
  const value = declare.queue?.arguments.get(name)
  return typeof value === 'number' ? value : undefined
}

/** How long the queue holds a message that comes back for the nth time: linear, as 4.3 is documented. */
const heldMs = (plan: NativePlan, returns: number): number => {
  const min = numberIn(plan, 'x-delayed-retry-min') ?? 0
  return Math.min(min * returns, numberIn(plan, 'x-delayed-retry-max') ?? min)
}

const keyOf = (queue: string, event: MillraceEvent): string => `${queue}\0${event.id}`

/**
 * The delayed retry of RabbitMQ 4.3's quorum queues (rabbitmq.md 5.1): the message is rejected, and its queue gives it back after a wait.
 * No copy is made, so that nothing can come twice. UNVERIFIED: no 4.3 server could be run; this follows its documentation.
 *
 * It returns the whole message and remembers no more than a count, so it is used only
 * - for the one function of a queue that this connector has declared itself,
 * - for waits that count attempts, and that the queue keeps at least as long: what a `Retry-After` asks is never cut short,
 * - below the delivery limit, at which the broker would bury the message without a letter of ours.
 * Every other wait goes to a delay queue. Attempts made in the process between two returns are remembered here; a process that does not know
 * the message counts its returns alone, which are fewer.
 */
export class NativeRetries {
  readonly #options: NativeRetryOptions
  /** By queue and event id, the oldest first. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #off = new Set<string>()

  constructor(options: NativeRetryOptions) {
    this.#options = options
  }

  /** How long the queue will hold the message, which is to be rejected now, in milliseconds; `undefined`: a delay queue is to have the retry. */
  take({ event, message, plan, routes, afterMs }: NativeRequest): number | undefined {
    const [target] = routes
    if (plan.nativeRetry !== true || this.#off.has(plan.queue)) return undefined
    if (target === undefined || routes.length > 1 || target.function !== plan.function) return undefined
    if ((target.waited?.clock ?? 'attempts') !== 'attempts') return undefined
    const returns = returnsOf(message) + 1
    const waitMs = heldMs(plan, returns)
    const limit = numberIn(plan, 'x-delivery-limit') ?? 0
    if (waitMs < afterMs || (limit >= 0 && returns >= limit)) return undefined
    this.#remember(keyOf(plan.queue, event), { target, returns, since: this.#options.now(), waitMs })
    return waitMs
  }

  /** What the mapping made of a message, with the attempts that its returns stand for. */
  resume(mapped: MappedMessage, message: DeliveredMessage, plan: NativePlan): MappedMessage {
    const [target] = mapped.targets ?? []
    const returns = plan.nativeRetry === true ? returnsOf(message) : 0
    if (target === undefined || returns === 0 || target.function !== plan.function) return mapped
    const key = keyOf(plan.queue, mapped.event)
    const known = this.#waiting.get(key)
    if (known?.returns === returns) {
      this.#waiting.delete(key)
      this.#look(known, plan.queue)
      return { ...mapped, targets: [known.target] }
    }
    return { ...mapped, targets: [{ ...target, attempts: Math.min(target.attempts + returns, maxAttempts) }] }
  }

  #remember(key: string, waiting: Waiting): void {
    this.#waiting.delete(key)
    this.#waiting.set(key, waiting)
    if (this.#waiting.size <= maxWaiting) return
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** A queue that gives back at once what it should hold would make a hot loop of every retry. */
  #look({ since, waitMs }: Waiting, queue: string): void {
    const heldFor = this.#options.now() - since
    if (heldFor >= waitMs / 2 || this.#off.has(queue)) return
    this.#off.add(queue)
    const told = new MillraceError('E_RABBITMQ_NATIVE_RETRY', { queue, wanted: waitMs, held: Math.round(heldFor) })
    this.#options.logger.warn(told.message, { code: told.code, effect: told.effect, fix: told.fix })
  }
}
