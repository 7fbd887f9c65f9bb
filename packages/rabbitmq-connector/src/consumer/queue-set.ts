import type { IntakePlan } from '../topology/plan.ts'
import type { ConsumerState } from './observer.ts'
import type { QueueConsumer } from './queue-consumer.ts'

/** @see QueueSet */
export interface QueueSetOptions {
  readonly make: (plan: IntakePlan) => QueueConsumer
  /** How long what is in flight of a queue that nobody wants any more may go on. */
  readonly drainMs: number
  /** Nobody wants the queue any more, and its consumer has left. */
  readonly onGone: (queue: string) => Promise<void>
}

const wellStates: ReadonlySet<ConsumerState> = new Set(['consuming', 'paused', 'standby'])

/** It does what it is there for. */
export const isWell = ({ state }: QueueConsumer): boolean => wellStates.has(state)

/** Cannot be consumed, also while that is tried again. */
const isStuck = ({ state, problem }: QueueConsumer): boolean => problem !== undefined && (state === 'quarantined' || state === 'declaring')

/**
 * The consumers of a session, one for each queue that is wanted. Each follows a new plan at a pace of its own: one that the broker does not
 * answer holds up no other, and neither does one that has to end what is in flight.
 */
export class QueueSet {
  readonly #options: QueueSetOptions
  readonly #consumers = new Map<string, QueueConsumer>()
  readonly #leaving = new Map<string, Promise<void>>()
  #wanted: ReadonlyMap<string, IntakePlan> = new Map()
  #closed = false

  constructor(options: QueueSetOptions) {
    this.#options = options
  }

  /** All of them, those that are leaving too. */
  get all(): readonly QueueConsumer[] {
    return [...this.#consumers.values()]
  }

  get(queue: string): QueueConsumer | undefined {
    return this.#consumers.get(queue)
  }

  /** Wanted, and not only still there. */
  wants(queue: string): boolean {
    return !this.#closed && this.#wanted.has(queue)
  }

  /** Why nothing can be taken in: there are queues, and none of them can be consumed. Asked at every change: the first one that can ends it. */
  get problem(): Error | undefined {
    let first: Error | undefined
    for (const consumer of this.#consumers.values()) {
      if (this.#leaving.has(consumer.queue)) continue
      if (!isStuck(consumer)) return undefined
      first ??= consumer.problem
    }
    return first
  }

  get #staying(): readonly QueueConsumer[] {
    return this.all.filter(({ queue }) => !this.#leaving.has(queue))
  }

  /** Begins to make the consumers what is wanted. @returns when all of it is in force or has failed; never rejects */
  async take(wanted: ReadonlyMap<string, IntakePlan>): Promise<void> {
    this.#wanted = wanted
    for (const consumer of this.#staying) {
      const next = wanted.get(consumer.queue)
      // A place in a stream, and the right to read it, are a consumer's for its life: another one follows.
      if (next === undefined || isStream(next) !== isStream(consumer.plan)) this.#dismiss(consumer)
    }
    await Promise.all([...wanted.keys()].map((queue) => this.#bring(queue)))
  }

  /** Resolves when those that are leaving now have left. */
  async left(): Promise<void> {
    await Promise.all(this.#leaving.values())
  }

  /** Takes nothing more. @returns what there was */
  close(): readonly QueueConsumer[] {
    const consumers = this.all
    this.#closed = true
    this.#consumers.clear()
    return consumers
  }

  async #bring(queue: string): Promise<void> {
    // It is wanted again before its consumer has left: another one follows it.
    await this.#leaving.get(queue)
    const plan = this.#wanted.get(queue)
    if (plan === undefined || this.#closed) return
    const consumer = this.#consumers.get(queue)
    if (consumer === undefined) await this.#engage(plan)
    else if (!samePlan(consumer.plan, plan)) await consumer.update(plan)
  }

  async #engage(plan: IntakePlan): Promise<void> {
    const consumer = this.#options.make(plan)
    this.#consumers.set(plan.queue, consumer)
    await consumer.start()
  }

  #dismiss(consumer: QueueConsumer): void {
    const { drainMs, onGone } = this.#options
    const { queue } = consumer
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#leaving.set(queue, promise)
    const leave = async (): Promise<void> => {
      await consumer.close(drainMs)
      if (this.#consumers.get(queue) === consumer) this.#consumers.delete(queue)
      await onGone(queue)
    }
    void leave().finally(() => {
      this.#leaving.delete(queue)
      resolve()
    })
  }
}

const isStream = ({ mode }: IntakePlan): boolean => mode === 'stream'

/** Maps, arrays and plain values, as plans are made of. */
const plain = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value)

const samePlan = (left: IntakePlan, right: IntakePlan): boolean => JSON.stringify(left, plain) === JSON.stringify(right, plain)
