import { describeError, isMillraceError, MillraceError, openSession } from '@millrace/sdk'
import type { FunctionDeclaration, OpenSession, Order, SourceContext, Timer } from '@millrace/sdk'
import { consumerTag } from './consumer/consumer-tag.ts'
import { ConsumeGate } from './consumer/consume-gate.ts'
import { ConsumerWatch } from './consumer/consumer-watch.ts'
import type { HandOver } from './consumer/hand-over.ts'
import type { Isolation } from './consumer/isolation.ts'
import type { ConsumerView, RabbitmqObserver } from './consumer/observer.ts'
import { OrderKept } from './consumer/order-kept.ts'
import { QueueConsumer } from './consumer/queue-consumer.ts'
import { StreamLease } from './consumer/stream-lease.ts'
import { StreamPosition } from './consumer/stream-position.ts'
import { within } from './consumer/wait.ts'
import { Wanted } from './consumer/wanted.ts'
import type { IntakePlan, TopologyPlan } from './topology/plan.ts'
import { replyCodeOf, replyCodes } from './transport/amqp-errors.ts'
import type { AmqpConnection, AmqpLink, Publisher } from './transport/transport.ts'

/** Times of a session in milliseconds, and other numbers. */
export interface SessionTimes {
  /** How long `connect` waits for a link. @default 15000 */
  readonly linkMs: number
  /** How long changes of the functions are gathered. @default 1000 */
  readonly settleMs: number
  /** How long what is in flight of a queue that nobody wants any more may go on. @default 10000 */
  readonly drainMs: number
  /** How long the broker may take to answer one request. @default 20000 */
  readonly requestMs: number
  /** How often it is looked whether the broker still knows the consumers. @default 30000 */
  readonly checkMs: number
  /** Streams: how long a position may wait to be stored. @default 1000 */
  readonly checkpointMs: number
  /** Streams: finished messages after which it waits no longer. @default 1000 */
  readonly checkpointEvery: number
  /** Streams: how long a replica that has died keeps the others from reading. @default 30000 */
  readonly leaseMs: number
  /** Streams: messages behind the oldest unfinished one. @default 10000 */
  readonly maxSpan: number
}

/** What declares queues, and forgets them. */
export interface Topology {
  plan(functions: readonly FunctionDeclaration[], serverVersion: string): TopologyPlan
  /** Declares what an intake needs. @throws MillraceError why it cannot be consumed */
  apply(link: AmqpLink, plan: IntakePlan): Promise<void>
  /** Sees to queues that nobody consumes, after each new plan. @returns in how many milliseconds it should be called again */
  tidy(link: AmqpLink, plan: TopologyPlan): Promise<number | undefined>
}

/** Everything a session is given. */
export interface SessionOptions {
  readonly connection: AmqpConnection
  readonly isolation: Isolation
  readonly publisher: Publisher
  readonly topology: Topology
  readonly handOver: HandOver
  readonly observer: RabbitmqObserver
  readonly times: SessionTimes
  readonly vhost: string
  /** Of functions that say none. */
  readonly order: Order
  /** The beginning of consumer tags: host and process. */
  readonly host: string
  readonly random: () => number
  readonly soon: (run: () => void) => void
  /** What is wanted has changed. */
  readonly onPlan: (plan: TopologyPlan) => void
}

/** How long a stop waits for the broker's answers; after that the connections are closed over what is open. */
const leaveMs = 2000

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(describeError(reason)))

/** Tags of two sessions of one process never meet. */
let sessions = 0

/**
 * One link to the broker, and a consumer for each queue that the functions want. Trouble with one queue is mended by its own consumer; when
 * the link is lost the session is, and the runtime connects anew.
 */
export class RabbitmqSession {
  readonly session: OpenSession
  readonly #options: SessionOptions
  readonly #context: SourceContext
  readonly #gate: ConsumeGate
  readonly #wanted: Wanted
  readonly #orderKept: OrderKept
  readonly #consumers = new Map<string, QueueConsumer>()
  readonly #number = ++sessions
  readonly #ends: (() => void)[] = []
  #tags = 0
  /** Snapshots are never edited: another one is a change. */
  #planned: readonly FunctionDeclaration[] | undefined
  #link: AmqpLink | undefined
  #timer: Timer | undefined
  #tidying: Timer | undefined
  #working: Promise<void> | undefined
  #again = false

  constructor(options: SessionOptions, context: SourceContext) {
    this.#options = options
    this.#context = context
    this.#gate = new ConsumeGate(context.clock, options.soon)
    this.#wanted = new Wanted(context.functions, (functions) => this.#plan(functions))
    this.#orderKept = new OrderKept(context.functions, options.order)
    this.session = openSession({
      pause: (intake) => this.#repause(intake),
      resume: (intake) => this.#repause(intake),
      leave: (lost) => this.#leave(lost),
    })
  }

  readonly #nextTag = (queue: string): string => consumerTag(this.#options.host, queue, `${this.#number}.${++this.#tags}`)

  /** The queues of this session, for gauges. */
  get consumers(): readonly ConsumerView[] {
    return [...this.#consumers.values()].map((consumer) => consumer.view)
  }

  /** Resolves when the queues are consumed. @throws MillraceError without a link, and when none of the queues can be consumed */
  async start(): Promise<void> {
    const { connection, times, publisher, observer } = this.#options
    const { signal, draining, functions } = this.#context
    try {
      signal.throwIfAborted()
      this.#link = await connection.link(times.linkMs, signal)
      this.#watch(this.#link)
      this.#ends.push(publisher.onBlocked(() => this.#onBlocked()))
      observer.blocked(publisher.blocked)
      const onDraining = (): void => this.#repause(undefined)
      draining.addEventListener('abort', onDraining, { once: true })
      this.#ends.push(() => draining.removeEventListener('abort', onDraining))
      await this.#reconcile()
      signal.throwIfAborted()
      this.#throwIfNone()
    } catch (error) {
      await this.session.close().catch(() => {})
      throw error
    }
    this.#ends.push(functions.subscribe(() => this.#onFunctions()))
    // What has changed while the first queues were declared, which may take long, was told to nobody.
    if (functions.snapshot() !== this.#planned) this.#onFunctions()
    const { clock, logger } = this.#context
    const consumers = (): Iterable<QueueConsumer> => this.#consumers.values()
    const watch = new ConsumerWatch({ clock, logger, link: this.#link, everyMs: times.checkMs, consumers, nextTag: this.#nextTag })
    this.#ends.push(() => watch.stop())
  }

  #watch(link: AmqpLink): void {
    const onLost = (): void => {
      this.#options.observer.linkLost('consume')
      this.#blame(link)
      const { reason } = link.lost as { reason: unknown }
      this.session.lose(asError(reason))
    }
    if (link.lost.aborted) onLost()
    else link.lost.addEventListener('abort', onLost, { once: true })
    this.#ends.push(() => link.lost.removeEventListener('abort', onLost))
  }

  /** Whose consume was on its way when the link went: the broker closes everything over one queue. */
  #blame(link: AmqpLink): void {
    const certain = replyCodeOf(link.lost.reason) === replyCodes.internalError
    for (const queue of this.#gate.inFlight) this.#isolate(queue, certain)
  }

  #isolate(queue: string, certain: boolean): void {
    const { isolation } = this.#options
    if (isolation.has(queue) || !isolation.blame(queue, certain)) return
    this.#context.logger.warn('the consume of a queue costs the connection; that queue gets one of its own', { queue })
  }

  /** An only queue that cannot be consumed is a connector that cannot work, and its readiness should say so. */
  #throwIfNone(): void {
    const consumers = [...this.#consumers.values()]
    if (this.session.ended) throw asError(this.#link?.lost.reason ?? 'the session has ended')
    if (consumers.length > 0 && consumers.every(({ state }) => state === 'quarantined')) throw asError(consumers[0]?.problem)
  }

  #held(queue: string): boolean {
    if (this.session.ended || this.session.paused(queue) || this.#options.publisher.blocked || this.#context.draining.aborted) return true
    return !this.#wanted.has(queue)
  }

  #repause(intake: string | undefined): void {
    if (intake !== undefined) this.#consumers.get(intake)?.repause()
    else for (const consumer of this.#consumers.values()) consumer.repause()
  }

  /** What cannot be retried, buried or answered just now should not be begun. */
  #onBlocked(): void {
    const { publisher, observer, connection } = this.#options
    observer.blocked(publisher.blocked)
    if (publisher.blocked) {
      const error = new MillraceError('E_RABBITMQ_BLOCKED', { brokers: connection.address, reason: 'an alarm of the broker' })
      this.#context.logger.warn(error.message, { code: error.code, effect: error.effect, fix: error.fix })
    } else this.#context.logger.info('RabbitMQ takes messages again')
    this.#repause(undefined)
  }

  async #leave(lost: Error | undefined): Promise<void> {
    this.#timer?.cancel()
    this.#tidying?.cancel()
    for (const end of this.#ends.splice(0)) end()
    const consumers = [...this.#consumers.values()]
    this.#consumers.clear()
    // Who does well alone may try the shared link again.
    const { isolation } = this.#options
    const well = consumers.filter(({ queue, state }) => isolation.has(queue) && (state === 'consuming' || state === 'paused'))
    if (lost !== undefined) {
      for (const consumer of consumers) consumer.abandon()
      await Promise.all(well.map(({ queue }) => isolation.end(queue)))
      return
    }
    // Everything is acknowledged or released by now: what the channels still hold goes back.
    const closing = Promise.all(consumers.map((consumer) => consumer.close(0))).then(() => this.#working)
    // A broker that answers nothing must not use up what a pod has beyond its drain.
    await within(
      this.#context.clock,
      leaveMs,
      closing.catch(() => {}),
    )
  }

  #plan(functions: readonly FunctionDeclaration[]): TopologyPlan {
    return this.#options.topology.plan(functions, this.#link?.serverVersion ?? '')
  }

  /** What nobody wants any more stops at once, and what is wanted again before its consumer is dismissed goes on. */
  #onFunctions(): void {
    this.#repause(undefined)
    this.#schedule()
  }

  #schedule(): void {
    if (this.session.ended) return
    this.#timer ??= this.#context.clock.after(this.#options.times.settleMs, () => {
      this.#timer = undefined
      void this.#refresh()
    })
  }

  async #refresh(): Promise<void> {
    if (this.#working !== undefined) {
      this.#again = true
      return
    }
    try {
      await (this.#working = this.#reconcile())
    } catch (error) {
      // The last good set of queues stays.
      this.#report(error, 'the functions have changed, and what they want could not be taken over')
    } finally {
      this.#working = undefined
    }
    if (this.#again) this.#schedule()
    this.#again = false
  }

  /** Makes the consumers what the functions want. */
  async #reconcile(): Promise<void> {
    const { onPlan } = this.#options
    const functions = this.#context.functions.snapshot()
    this.#planned = functions
    const plan = this.#plan(functions)
    this.#context.reportProblems(plan.problems)
    onPlan(plan)
    const work: Promise<void>[] = []
    for (const [queue, consumer] of this.#consumers) if (!plan.intakes.has(queue)) work.push(this.#dismiss(consumer))
    for (const [queue, wanted] of plan.intakes) {
      const consumer = this.#consumers.get(queue)
      if (consumer === undefined) work.push(this.#engage(wanted))
      else if (!samePlan(consumer.plan, wanted)) work.push(consumer.update(wanted))
    }
    await Promise.all(work)
    await this.#tidy(plan)
  }

  async #tidy(plan: TopologyPlan): Promise<void> {
    const link = this.#link
    if (link === undefined || this.session.ended) return
    try {
      const againMs = await this.#options.topology.tidy(link, plan)
      this.#tidying?.cancel()
      if (againMs === undefined || this.session.ended) return
      this.#tidying = this.#context.clock.after(Math.max(1000, againMs), () => void this.#refresh())
    } catch (error) {
      if (!this.session.ended) this.#report(error, 'queues that nobody wants could not be seen to')
    }
  }

  #engage(plan: IntakePlan): Promise<void> {
    if (this.session.ended) return Promise.resolve()
    const { isolation, handOver, observer, random, soon, times, topology } = this.#options
    const { clock, logger } = this.#context
    const consumer: QueueConsumer = new QueueConsumer({
      plan,
      clock,
      random,
      logger,
      observer,
      soon,
      requestMs: times.requestMs,
      nextTag: this.#nextTag,
      link: (queue) => this.#linkFor(queue),
      isolated: (queue) => isolation.has(queue),
      declare: (link, wanted) => topology.apply(link, wanted),
      gate: (queue, link, consume) => this.#consume(queue, link, consume),
      held: (queue) => this.#held(queue),
      read: (message, wanted) => handOver.read(message, wanted),
      repeated: (arrival) => handOver.repeated(arrival),
      emit: (handed, intake) => {
        if (!this.session.ended) handOver.emit(handed, intake)
      },
      serial: (wanted) => wanted.ordered && !this.#orderKept.by(wanted),
      revoke: (intakes, drainMs) => this.#context.revoke(intakes, drainMs),
      stream: plan.mode === 'stream' ? this.#stream(plan, () => consumer) : undefined,
    })
    this.#consumers.set(plan.queue, consumer)
    return consumer.start()
  }

  #stream(plan: IntakePlan, consumer: () => QueueConsumer): { readonly position: StreamPosition; readonly lease: StreamLease } {
    const { times, observer, vhost } = this.#options
    const { state, clock, logger } = this.#context
    const name = `${encodeURIComponent(vhost)}/${encodeURIComponent(plan.queue)}`
    const lose = (): void => consumer().lose(new MillraceError('E_RABBITMQ_STREAM_TAKEN', { queue: plan.queue }))
    const position = new StreamPosition({
      queue: plan.queue,
      start: plan.stream ?? 'next',
      key: `rabbitmq/stream/${name}`,
      state,
      clock,
      logger,
      observer,
      everyMs: times.checkpointMs,
      every: times.checkpointEvery,
      maxSpan: times.maxSpan,
      onFenced: lose,
    })
    return { position, lease: new StreamLease({ key: `rabbitmq/reader/${name}`, state, clock, ttlMs: times.leaseMs, onLost: lose }) }
  }

  async #linkFor(queue: string): Promise<AmqpLink> {
    const { isolation, times } = this.#options
    const own = isolation.connection(queue)
    if (own !== undefined) return own.link(times.linkMs, this.#context.signal)
    if (this.#link === undefined) throw new Error('there is no link')
    this.#link.lost.throwIfAborted()
    return this.#link
  }

  async #consume(queue: string, link: AmqpLink, consume: () => Promise<void>): Promise<void> {
    if (link !== this.#link) return consume()
    try {
      await this.#gate.run(queue, consume)
      this.#options.isolation.trust(queue)
    } catch (error) {
      // A queue without a leader: the broker says nothing, and then closes everything.
      if (isMillraceError(error) && error.code === 'E_RABBITMQ_NO_ANSWER') this.#isolate(queue, true)
      throw error
    }
  }

  async #dismiss(consumer: QueueConsumer): Promise<void> {
    const { times, isolation } = this.#options
    const { queue } = consumer
    this.#context.logger.info('no function wants the queue any more', { queue })
    await consumer.close(times.drainMs)
    if (this.#consumers.get(queue) === consumer) this.#consumers.delete(queue)
    await isolation.end(queue)
  }

  #report(error: unknown, what: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { logger } = this.#context
    if (isMillraceError(error)) logger.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, what, ...fields })
    else logger.error(what, { error: describeError(error), ...fields })
  }
}

/** Maps, arrays and plain values, as plans are made of. */
const plain = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value)

const samePlan = (left: IntakePlan, right: IntakePlan): boolean => JSON.stringify(left, plain) === JSON.stringify(right, plain)
