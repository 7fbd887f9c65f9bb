import { describeError, MillraceError } from '@millrace/sdk'
import type { IntakePlan } from '../topology/plan.ts'
import type { FieldTable } from '../transport/message.ts'
import type { AmqpLink, QueueState } from '../transport/transport.ts'
import { Flow } from './flow.ts'
import type { ConsumerState, ConsumerView } from './observer.ts'
import { Liveness } from './liveness.ts'
import { holdsWhilePaused } from './pausing.ts'
import { Quarantine } from './quarantine.ts'
import type { QueueConsumerOptions } from './queue-consumer-options.ts'
import { Redeclare } from './redeclare.ts'
import { StreamHint } from './stream-hint.ts'
import { Subscription } from './subscription.ts'
import { orFail } from './wait.ts'

/** All declarations of one queue. */
const declareMs = 30_000
/** A consumer that lived this long was a good one: its next loss starts with a short wait again. */
const goodAfterMs = 60_000

/**
 * Keeps one queue consumed: declares, consumes, and begins again with a growing wait whenever its channel or its consumer is lost or
 * refused. Its troubles are its own: the session and the other queues never notice.
 */
export class QueueConsumer {
  readonly #options: QueueConsumerOptions
  #plan: IntakePlan
  #state: ConsumerState = 'idle'
  #flow: Flow | undefined
  #streamArguments: FieldTable | undefined
  readonly #quarantine: Quarantine
  readonly #redeclare: Redeclare
  /** Monotonic; of the present subscription. */
  #consumingSince = Infinity
  readonly #liveness = new Liveness()
  #delivered = 0
  #doubtful = false
  readonly #streamHint: StreamHint
  /** What of the plan is not in force yet. */
  #stale: 'declare' | 'consume' | undefined
  #renews = false
  /** The broker may have forgotten the consumer. */
  #suspect = false
  /** It is declared anew for what was refused alone: whatever comes of it, the queue is consumed. */
  #asksAgain = false
  #over = false
  #working: Promise<void> | undefined
  #again = false
  #revoking: Promise<void> = Promise.resolve()

  constructor(options: QueueConsumerOptions) {
    this.#options = options
    this.#plan = options.plan
    const { clock, random, logger, observer } = options
    this.#quarantine = new Quarantine({ queue: this.queue, clock, random, logger, observer, onEnd: () => void this.#work() })
    this.#redeclare = new Redeclare(clock, random, () => this.#askAgain())
    this.#streamHint = new StreamHint(this.queue, logger)
  }

  get queue(): string {
    return this.#plan.queue
  }

  get plan(): IntakePlan {
    return this.#plan
  }

  get state(): ConsumerState {
    return this.#state
  }

  get #subscription(): Subscription | undefined {
    return this.#flow?.subscription
  }

  get problem(): Error | undefined {
    return this.#quarantine.problem
  }

  get view(): ConsumerView {
    const position = this.#options.stream?.position
    return {
      queue: this.queue,
      state: this.#state,
      inFlight: this.#subscription?.open ?? 0,
      isolated: this.#options.isolated(this.queue),
      ...(this.#redeclare.refused > 0 && { refusedBindings: this.#redeclare.refused }),
      ...(this.problem !== undefined && { problem: describeError(this.problem, 300) }),
      ...(position?.position !== undefined && { position: position.position }),
      ...(position?.lastOffset !== undefined && { lastOffset: position.lastOffset }),
    }
  }

  /** Declares and consumes; resolves when it is consumed, or in quarantine. Never rejects. */
  start(): Promise<void> {
    return this.#work()
  }

  /** Another plan for the same queue: declared at once; consumed anew only where the way of consuming has changed. */
  async update(plan: IntakePlan): Promise<void> {
    const before = this.#plan
    this.#plan = plan
    const same = before.prefetch === plan.prefetch && before.consumerPriority === plan.consumerPriority
    if (same) this.#stale ??= 'declare'
    else if (this.#options.stream === undefined) this.#stale = 'consume'
    // The place in a stream belongs to its subscription.
    else this.#letGo()
    await this.#work()
  }

  /** What holds it has changed. */
  repause(): void {
    if (!this.#options.held(this.queue)) this.#flow?.pump()
    void this.#work()
  }

  /** What the broker says of the queue: a consumer that it has forgotten is lost, one that may be forgotten is made anew. */
  check(state: QueueState): void {
    const subscription = this.#subscription
    if (this.#state !== 'consuming' || subscription?.consuming !== true || this.#working !== undefined) return
    const { ordered, prefetch } = this.#plan
    const { stream } = this.#options
    // Of a stream the broker counts no consumers, and its messages stay: only silence says something, and then its end is looked at.
    const seen = stream === undefined ? state : { ...state, consumers: 1 }
    const verdict = this.#liveness.look(seen, this.#delivered, subscription.open < prefetch, ordered || stream !== undefined)
    this.#doubtful = verdict === 'doubtful'
    if (verdict === 'gone') this.lose(this.#streamHint.loss)
    if (verdict !== 'doubtful' || stream !== undefined) return
    this.#stale = 'consume'
    this.#suspect = true
    void this.#work()
  }

  /** A stream whose end should be looked at: silent for long, or since the beginning, though the message before its checkpoint was asked for. */
  get unheard(): boolean {
    const { stream } = this.#options
    return this.#state === 'consuming' && stream !== undefined && (this.#doubtful || stream.position.unheard)
  }

  /** @param end the newest offset of the stream; absent: it is empty */
  checkEnd(end: number | undefined): void {
    const loss = this.unheard && end !== undefined ? this.#options.stream?.position.lossAt(end) : undefined
    if (loss !== undefined) this.lose(loss)
  }

  /**
   * Stops consuming, lets what is in flight end for up to `drainMs`, and leaves; what is left goes back to the queue.
   * On a stop of the connector all of it is acknowledged or released already. Never rejects.
   */
  async close(drainMs: number): Promise<void> {
    if (this.#over) return
    this.#become('draining')
    this.#end()
    await this.#working
    const subscription = this.#subscription
    // An ordered queue keeps its consumer until what is in flight has ended: whoever is next would overtake it.
    if (!this.#plan.ordered) await subscription?.cancel().catch(() => {})
    if (drainMs > 0) await this.#revoke(drainMs)
    await this.#revoking
    const { stream } = this.#options
    await stream?.position.flush()
    stream?.position.stop()
    await subscription?.close()
    this.#drop()
    await stream?.lease.release()
    this.#become('idle')
  }

  /** The link is gone, and everything with it. */
  abandon(): void {
    this.#end()
    this.#subscription?.abandon()
    this.#drop()
    this.#options.stream?.position.stop()
    void this.#options.stream?.lease.release()
    this.#become('idle')
  }

  #end(): void {
    this.#over = true
    this.#quarantine.stop()
    this.#redeclare.stop()
  }

  #askAgain(): void {
    if (this.#over || this.#subscription === undefined) return
    this.#asksAgain = this.#stale === undefined
    this.#stale ??= 'declare'
    void this.#work()
  }

  /** One piece of work at a time; what is asked for meanwhile is looked at afterwards. */
  #work(): Promise<void> {
    if (this.#working !== undefined) {
      this.#again = true
      // It may have looked for the last time already.
      return this.#working.then(() => (this.#again ? this.#work() : undefined))
    }
    this.#working = this.#runWork().finally(() => (this.#working = undefined))
    return this.#working
  }

  async #runWork(): Promise<void> {
    do {
      this.#again = false
      if (this.#over || this.#quarantine.on) return
      try {
        await this.#settle()
      } catch (error) {
        if (!this.#over && !this.#quarantine.on) this.#fail(error)
      }
    } while (this.#again)
  }

  /** Brings the subscription to what is wanted. */
  async #settle(): Promise<void> {
    const { held } = this.#options
    await this.#revoking
    if (this.#subscription === undefined && !(await this.#mayRead())) return
    if (this.#subscription === undefined || this.#stale !== undefined) await this.#open()
    const subscription = this.#subscription
    if (subscription === undefined || this.#over) return
    const pause = held(this.queue) && (!holdsWhilePaused(this.#plan) || !subscription.consuming)
    if (pause) {
      await subscription.cancel()
      this.#become('paused')
      return
    }
    const suspect = this.#suspect
    this.#suspect = false
    if (suspect && subscription.consuming && subscription.open === 0) await this.#consumeElsewhere(subscription)
    else if (!subscription.consuming || this.#renews) await this.#consume(subscription)
    if (this.#subscription !== undefined) this.#become(held(this.queue) ? 'paused' : 'consuming')
  }

  /** Streams have one reader at a time. */
  async #mayRead(): Promise<boolean> {
    const { stream } = this.#options
    if (stream === undefined) return true
    const lease = await stream.lease.acquire()
    if (lease !== undefined) return !this.#over
    this.#become('standby')
    if (!this.#over) this.#quarantine.wait(stream.lease.retryMs)
    return false
  }

  async #open(): Promise<void> {
    const { link: linkOf } = this.#options
    const old = this.#subscription
    if (old === undefined) this.#become('declaring')
    const [stale, asksAgain] = [this.#stale, this.#asksAgain]
    this.#stale = undefined
    this.#asksAgain = false
    const plan = this.#plan
    const link = await linkOf(plan.queue)
    try {
      this.#redeclare.take(await this.#declare(link, plan))
    } catch (error) {
      if (!asksAgain || this.#subscription === undefined) throw error
      this.#options.logger.debug('what was refused of a queue could not be asked for again', {
        queue: plan.queue,
        error: describeError(error),
      })
      this.#redeclare.again()
    }
    if (this.#over) return this.#redeclare.stop()
    link.lost.throwIfAborted()
    if (old === undefined) await this.#subscribe(link, plan)
    // What is in flight stays where it is; only the consumer is made anew.
    else if (stale === 'consume') this.#renews = true
  }

  #declare(link: AmqpLink, plan: IntakePlan): Promise<number> {
    const { declare, clock, requestMs } = this.#options
    return orFail(clock, Math.max(declareMs, requestMs), declare(link, plan), () => {
      const place = { queue: plan.queue, request: 'its declarations', seconds: declareMs / 1000 }
      return new MillraceError('E_RABBITMQ_NO_ANSWER', place)
    })
  }

  /** @param old what it replaces, unless a message is in hand there: its acknowledgement must go where it came from */
  async #subscribe(link: AmqpLink, plan: IntakePlan, old?: Subscription): Promise<void> {
    const { clock, observer, requestMs, soon, nextTag, stream, held } = this.#options
    const subscription = await Subscription.open(link, {
      queue: plan.queue,
      clock,
      observer,
      requestMs,
      soon,
      nextTag: () => nextTag(plan.queue),
      onMessage: (from, message) => {
        if (this.#subscription !== from) return
        this.#delivered += 1
        if (stream === undefined) this.#streamHint.look(message)
        this.#flow?.take(message)
      },
      onLost: (from, reason) => this.#onLost(from, reason),
    })
    if (this.#over || this.#subscription !== old || (old?.open ?? 0) > 0) {
      subscription.abandon()
      return
    }
    if (subscription.ended) link.lost.throwIfAborted()
    this.#flow?.end()
    this.#flow = new Flow({
      ...this.#options,
      queue: plan.queue,
      subscription,
      plan: () => this.#plan,
      held: (queue) => this.#over || held(queue),
    })
    this.#consumingSince = Infinity
    if (stream === undefined) return
    const lease = stream.lease.held
    // It ran out while the queue was declared: without it there would be two readers, and no position is stored.
    if (lease === undefined) throw new MillraceError('E_RABBITMQ_STREAM_TAKEN', { queue: plan.queue })
    this.#streamArguments = await stream.position.begin(lease)
  }

  /**
   * What the broker gave to a consumer that it has forgotten is held by the channel until that closes: a new channel takes its place. The
   * old one ends after it, for a queue that lives by its consumers must never be without.
   */
  async #consumeElsewhere(old: Subscription): Promise<void> {
    this.#renews = false
    await this.#subscribe(await this.#options.link(this.queue), this.#plan, old)
    const subscription = this.#subscription
    if (subscription === undefined || subscription === old) return
    try {
      await this.#consume(subscription)
    } finally {
      void old.close()
    }
  }

  async #consume(subscription: Subscription): Promise<void> {
    const { gate, link: linkOf, clock } = this.#options
    const { queue, prefetch, consumerPriority } = this.#plan
    this.#renews = false
    const link = await linkOf(queue)
    await gate(queue, link, () =>
      subscription.consume(prefetch, {
        ...(consumerPriority !== undefined && { priority: consumerPriority }),
        ...(this.#streamArguments !== undefined && { arguments: this.#streamArguments }),
      }),
    )
    this.#consumingSince = clock.monotonic()
    this.#quarantine.recovered()
  }

  #onLost(subscription: Subscription, reason: Error): void {
    if (this.#subscription !== subscription || this.#over) return
    this.#fail(reason)
  }

  /** What was in flight belongs to nobody here any more. Nothing is consumed before all of it is released. */
  #revoke(drainMs: number): Promise<void> {
    const { revoke, logger } = this.#options
    this.#revoking = revoke([this.queue], drainMs).catch((error: unknown) =>
      logger.error('what was in flight of a queue could not be released', { queue: this.queue, error: describeError(error) }),
    )
    return this.#revoking
  }

  #drop(): void {
    this.#flow?.end()
    this.#flow = undefined
  }

  #fail(error: unknown): void {
    const lived = this.#subscription === undefined ? 0 : this.#options.clock.monotonic() - this.#consumingSince
    this.#letGo()
    this.#quarantine.enter(error, lived >= goodAfterMs)
    this.#become('quarantined')
  }

  /** Of no use for anything more: what it holds comes again. */
  #letGo(): void {
    const subscription = this.#subscription
    if (subscription === undefined) return
    if (!subscription.ended) subscription.abandon()
    void this.#revoke(0)
    this.#drop()
    this.#redeclare.stop()
    this.#options.stream?.position.stop()
  }

  /** What it holds is no longer its own. */
  lose(reason: Error): void {
    if (this.#subscription === undefined || this.#over) return
    this.#fail(reason)
  }

  #become(state: ConsumerState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState()
  }
}
