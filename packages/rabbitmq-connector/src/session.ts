import { describeError, isMillraceError, MillraceError, openSession } from '@millrace/sdk'
import type { FunctionDeclaration, OpenSession, SourceContext, Timer } from '@millrace/sdk'
import { consumerTag } from './consumer/consumer-tag.ts'
import { ConsumeGate } from './consumer/consume-gate.ts'
import { ConsumerWatch } from './consumer/consumer-watch.ts'
import type { ConsumerView } from './consumer/observer.ts'
import { OrderKept } from './consumer/order-kept.ts'
import { QueueConsumer } from './consumer/queue-consumer.ts'
import { isWell, QueueSet } from './consumer/queue-set.ts'
import { streamReader } from './consumer/stream-reader.ts'
import { within } from './consumer/wait.ts'
import { Wanted } from './consumer/wanted.ts'
import type { SessionOptions } from './session-options.ts'
import type { IntakePlan, TopologyPlan } from './topology/plan.ts'
import { Tidier } from './topology/tidier.ts'
import { replyCodeOf, replyCodes } from './transport/amqp-errors.ts'
import type { AmqpLink } from './transport/transport.ts'

/** How long a stop waits for the broker's answers; after that the connections are closed over what is open. */
const leaveMs = 2000
/** How long a start waits for all queues, once one of them is consumed. */
const startMs = 2000

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
  readonly #queues: QueueSet
  readonly #tidier: Tidier
  /** Resolves when the first queue is consumed. */
  readonly #firstWell = Promise.withResolvers<void>()
  readonly #number = ++sessions
  readonly #ends: (() => void)[] = []
  #tags = 0
  /** Snapshots are never edited: another one is a change. */
  #planned: readonly FunctionDeclaration[] | undefined
  #plan: TopologyPlan | undefined
  #link: AmqpLink | undefined
  #timer: Timer | undefined
  #started = false
  /** What readiness says just now. */
  #told: Error | undefined

  constructor(options: SessionOptions, context: SourceContext) {
    this.#options = options
    this.#context = context
    this.#gate = new ConsumeGate(context.clock, options.soon)
    this.#wanted = new Wanted(context.functions, (functions) => this.#planOf(functions))
    this.#orderKept = new OrderKept(context.functions, options.order)
    this.#queues = new QueueSet({
      make: (plan) => this.#make(plan),
      drainMs: options.times.drainMs,
      onGone: (queue) => options.isolation.end(queue),
    })
    this.#tidier = new Tidier({
      clock: context.clock,
      tidy: () => this.#tidy(),
      onFailed: (error) => this.#report(error, 'queues that nobody wants could not be seen to'),
    })
    this.session = openSession({
      pause: (intake) => this.#repause(intake),
      resume: (intake) => this.#repause(intake),
      leave: (lost) => this.#leave(lost),
    })
  }

  readonly #nextTag = (queue: string): string => consumerTag(this.#options.host, queue, `${this.#number}.${++this.#tags}`)

  /** The queues of this session, for gauges. */
  get consumers(): readonly ConsumerView[] {
    return this.#queues.all.map((consumer) => consumer.view)
  }

  /**
   * Resolves when the queues are consumed; not later than two seconds after that is begun, once one of them is.
   * @throws MillraceError without a link, and when none of the queues can be consumed
   */
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
      await this.#firstQueues()
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
    const consumers = (): Iterable<QueueConsumer> => this.#queues.all
    const watch = new ConsumerWatch({ clock, logger, link: this.#link, everyMs: times.checkMs, consumers, nextTag: this.#nextTag })
    this.#ends.push(() => watch.stop())
    this.#started = true
    this.#sayReadiness()
  }

  async #firstQueues(): Promise<void> {
    const all = this.#follow()
    if (!(await within(this.#context.clock, startMs, all))) await Promise.race([all, this.#firstWell.promise])
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
    // Of one that nobody wants any more the connection would be nobody's.
    if (!this.#queues.wants(queue) || isolation.has(queue) || !isolation.blame(queue, certain)) return
    this.#context.logger.warn('the consume of a queue costs the connection; that queue gets one of its own', { queue })
  }

  /** An only queue that cannot be consumed is a connector that cannot work, and its readiness should say so. */
  #throwIfNone(): void {
    if (this.session.ended) throw asError(this.#link?.lost.reason ?? 'the session has ended')
    const { problem } = this.#queues
    if (problem !== undefined) throw problem
  }

  #onState(consumer: QueueConsumer): void {
    if (this.session.ended) return
    if (isWell(consumer) && this.#queues.wants(consumer.queue)) this.#firstWell.resolve()
    this.#sayReadiness()
  }

  #sayReadiness(): void {
    if (!this.#started || this.session.ended) return
    const { problem } = this.#queues
    if (problem === this.#told) return
    this.#told = problem
    this.#context.notReady?.(problem)
  }

  #held(queue: string): boolean {
    if (this.session.ended || this.session.paused(queue) || this.#options.publisher.blocked || this.#context.draining.aborted) return true
    return !this.#wanted.has(queue)
  }

  #repause(intake: string | undefined): void {
    if (intake !== undefined) this.#queues.get(intake)?.repause()
    else for (const consumer of this.#queues.all) consumer.repause()
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
    const tidied = this.#tidier.stop()
    for (const end of this.#ends.splice(0)) end()
    const leaving = this.#queues.left()
    const consumers = this.#queues.close()
    // Who does well alone may try the shared link again.
    const { isolation } = this.#options
    const well = consumers.filter(({ queue, state }) => isolation.has(queue) && (state === 'consuming' || state === 'paused'))
    if (lost !== undefined) {
      for (const consumer of consumers) consumer.abandon()
      await Promise.all(well.map(({ queue }) => isolation.end(queue)))
      return
    }
    // Everything is acknowledged or released by now: what the channels still hold goes back.
    const closing = Promise.all([...consumers.map((consumer) => consumer.close(0)), leaving, tidied])
    // A broker that answers nothing must not use up what a pod has beyond its drain.
    await within(
      this.#context.clock,
      leaveMs,
      closing.catch(() => {}),
    )
  }

  #planOf(functions: readonly FunctionDeclaration[]): TopologyPlan {
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
      this.#refresh()
    })
  }

  #refresh(): void {
    if (this.session.ended) return
    try {
      void this.#follow()
    } catch (error) {
      // The last good set of queues stays.
      this.#report(error, 'the functions have changed, and what they want could not be taken over')
    }
  }

  /** Begins to make the consumers what the functions want. @returns when that is so, or has failed */
  #follow(): Promise<void> {
    const { onPlan, isolation } = this.#options
    const functions = this.#context.functions.snapshot()
    this.#planned = functions
    const plan = this.#planOf(functions)
    this.#plan = plan
    this.#context.reportProblems(plan.problems)
    onPlan(plan)
    const all = this.#queues.take(plan.intakes)
    this.#sayReadiness()
    // Apart since an earlier session, in which somebody still wanted it.
    for (const queue of isolation.queues) if (!plan.intakes.has(queue) && this.#queues.get(queue) === undefined) void isolation.end(queue)
    this.#tidier.ask()
    return all
  }

  async #tidy(): Promise<number | undefined> {
    await this.#queues.left()
    const [link, plan] = [this.#link, this.#plan]
    if (link === undefined || plan === undefined || this.session.ended) return undefined
    return this.#options.topology.tidy(link, () => this.#plan ?? plan)
  }

  #make(plan: IntakePlan): QueueConsumer {
    const { isolation, handOver, observer, random, soon, times, topology, vhost } = this.#options
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
      onState: () => this.#onState(consumer),
      stream:
        plan.mode === 'stream'
          ? streamReader({ plan, vhost, context: this.#context, observer, times, onTaken: (reason) => consumer.lose(reason) })
          : undefined,
    })
    return consumer
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

  #report(error: unknown, what: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { logger } = this.#context
    if (isMillraceError(error)) logger.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, what, ...fields })
    else logger.error(what, { error: describeError(error), ...fields })
  }
}
