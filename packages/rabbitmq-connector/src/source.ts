import { hostname } from 'node:os'
import type { Delivery, Logger, Order, Session, Source, SourceContext, Target } from '@millrace/sdk'
import type { ConsumerView, RabbitmqObserver } from './consumer/observer.ts'
import { Isolation } from './consumer/isolation.ts'
import { MessageDelivery } from './consumer/message-delivery.ts'
import { countingObserver, scrapeConsumers } from './metrics/counting-observer.ts'
import { rabbitmqDeadLetters } from './dead-letters/rabbitmq-dead-letters.ts'
import type { Dedupe } from './dedupe/dedupe.ts'
import type { MappingContext } from './mapping/message-to-event.ts'
import { rabbitmqAttributeNames, rabbitmqHeaderPrefix } from './mapping/names.ts'
import { originOf } from './mapping/origin.ts'
import { Plans } from './plans.ts'
import { depthsByDeclare, watchDepths } from './metrics/queue-depths.ts'
import type { DepthReader } from './metrics/queue-depths.ts'
import { deferRoutes } from './retry/defer-routes.ts'
import { NativeRetries } from './retry/native-retry.ts'
import { RabbitmqSession } from './session.ts'
import type { SessionTimes } from './session-options.ts'
import { sessionParts } from './session-parts.ts'
import { rabbitmqAnnotations } from './topology/annotations.ts'
import { TopologyApplier } from './topology/apply-intake.ts'
import type { IntakePlan } from './topology/plan.ts'
import { defaultTopology } from './topology/options.ts'
import type { TopologyOptions } from './topology/options.ts'
import { amqplibTransport } from './transport/amqplib-transport.ts'
import { defaultMaxDelayMs } from './transport/connection-options.ts'
import type { ConnectionOptions } from './transport/connection-options.ts'
import { LazyPublisher } from './transport/lazy-publisher.ts'
import type { PublisherOptions } from './transport/publisher.ts'
import type { AmqpConnection, AmqpTransport } from './transport/transport.ts'

/** What `rabbitmqSource` takes. Times in milliseconds. */
export interface RabbitmqSourceOptions {
  readonly connection: ConnectionOptions
  /** What is consumed, and how it is declared. @default queues that functions name by topic */
  readonly topology?: Partial<Omit<TopologyOptions, 'serverVersion'>>
  /** Replicas of one connector have the same, other connectors another: whose bindings they are. @default 'millrace' */
  readonly owner?: string
  /** How long the queue of a function that is gone stays bound. @default 300000 */
  readonly retireAfterMs?: number
  readonly mapping?: Pick<MappingContext, 'orderKey' | 'cloudEvents' | 'maxBodyBytes'>
  /** Dead letters go to queues of RabbitMQ. @default true, where the topology has dead-letter queues */
  readonly deadLetters?: boolean
  /** Knows again what was finished before; made at the first connect. @default none: everything is delivered */
  readonly dedupe?: (context: SourceContext) => Dedupe
  readonly publisher?: PublisherOptions
  readonly times?: Partial<SessionTimes>
  /** Lengths of queues, for metrics. @default every 30 s by passive declares */
  readonly depths?: { readonly read?: DepthReader; readonly intervalMs?: number }
  /** Told what consumers do. @default counts in the connector's metrics */
  readonly observer?: RabbitmqObserver
  /** Another client, or a fake one. @default amqplib */
  readonly transport?: (logger: Logger) => AmqpTransport
}

/** The RabbitMQ source, with what it consumes just now. */
export interface RabbitmqSource extends Source {
  /** The queues of the present session, for gauges. */
  consumers(): readonly ConsumerView[]
}

const defaultTimes: SessionTimes = {
  linkMs: 15_000,
  settleMs: 1000,
  drainMs: 10_000,
  requestMs: 20_000,
  checkMs: 30_000,
  checkpointMs: 1000,
  checkpointEvery: 1000,
  leaseMs: 30_000,
  maxSpan: 10_000,
}

/** What outlives sessions: connections, which are made again by themselves, and what was learnt. */
interface Lasting {
  readonly connection: AmqpConnection
  readonly isolation: Isolation
  readonly observer: RabbitmqObserver
  readonly applier: TopologyApplier
  readonly dedupe: Dedupe | undefined
  readonly native: NativeRetries
}

class AmqpSource {
  readonly deadLetters?: NonNullable<Source['deadLetters']>
  readonly order: Order
  /** The shortest wait of a delay queue. */
  readonly deferFromMs?: number
  readonly maxReconnectMs: number
  readonly #options: RabbitmqSourceOptions
  readonly #topology: TopologyOptions
  readonly #plans = new Plans()
  readonly #publisher: LazyPublisher
  #lasting: Lasting | undefined
  #session: RabbitmqSession | undefined

  constructor(options: RabbitmqSourceOptions) {
    this.#options = options
    const topology: TopologyOptions = { ...defaultTopology, ...options.topology }
    this.#topology = options.deadLetters === false ? { ...topology, deadLetterQueue: undefined } : topology
    this.maxReconnectMs = options.connection.maxDelayMs ?? defaultMaxDelayMs
    this.order = topology.singleActiveConsumer ? 'partition' : 'none'
    if (topology.tiersMs.length > 0) this.deferFromMs = Math.min(...topology.tiersMs)
    this.#publisher = new LazyPublisher({
      ...options.publisher,
      onEnded: (error, tookMs) => this.#lasting?.observer.published(error, tookMs),
    })
    if (this.#topology.deadLetterQueue === undefined) return
    this.deadLetters = rabbitmqDeadLetters({
      publisher: this.#publisher,
      name: `rabbitmq:${this.#topology.deadLetterQueue}`,
      queueOf: (intake) => this.#plans.intake(intake)?.deadLetterQueue,
      declaration: (queue) => this.#plans.declaration(queue),
      onWritten: (_queue, letter) => this.#lasting?.observer.lettered(letter.intake),
    })
  }

  consumers(): readonly ConsumerView[] {
    return this.#session?.consumers ?? []
  }

  async connect(context: SourceContext): Promise<Session> {
    context.signal.throwIfAborted()
    const lasting = (this.#lasting ??= this.#begin(context))
    const { connection, observer } = lasting
    const times = { ...defaultTimes, ...this.#options.times }
    const { connection: where, mapping } = this.#options
    const session = new RabbitmqSession(
      {
        ...sessionParts({
          ...lasting,
          context,
          plans: this.#plans,
          publisher: this.#publisher,
          topology: this.#topology,
          vhost: where.vhost,
          mapping,
        }),
        connection,
        isolation: lasting.isolation,
        publisher: this.#publisher,
        observer,
        times,
        vhost: where.vhost,
        order: this.order,
        host: `millrace-${hostname()}-${process.pid}`,
        random: Math.random,
        soon: (run) => void setImmediate(run),
        onPlan: (plan) => this.#plans.take(plan),
      },
      context,
    )
    this.#session = session
    const forget = this.#scrape(context, session, connection)
    void session.session.closed.then(forget)
    await session.start()
    return session.session
  }

  async defer(delivery: Delivery, routes: readonly Target[], afterMs: number): Promise<boolean> {
    const plan = this.#plans.intake(delivery.intake)
    if (plan === undefined) return false
    const heldMs = this.#giveBackFailed(delivery, plan, routes, afterMs)
    if (heldMs !== undefined) {
      this.#lasting?.observer.deferred(delivery.intake, heldMs)
      return true
    }
    const tier = await deferRoutes(this.#publisher, { event: delivery.event, plan, routes, afterMs })
    if (tier === undefined) return false
    this.#lasting?.observer.deferred(delivery.intake, tier.delayMs)
    return true
  }

  /** How long the queue itself will hold the message; `undefined`: it does not. */
  #giveBackFailed(delivery: Delivery, plan: IntakePlan, routes: readonly Target[], afterMs: number): number | undefined {
    const origin = originOf(delivery.event)
    if (origin === undefined || !(delivery instanceof MessageDelivery) || !delivery.takesFailed) return undefined
    const heldMs = this.#lasting?.native.take({ event: delivery.event, message: origin.message, plan, routes, afterMs })
    if (heldMs !== undefined) delivery.failLater()
    return heldMs
  }

  async dispose(): Promise<void> {
    await this.#publisher.close()
    await Promise.all([this.#lasting?.connection.close(), this.#lasting?.isolation.close()])
  }

  #begin(context: SourceContext): Lasting {
    const { connection: where, transport, owner, retireAfterMs, observer, dedupe } = this.#options
    const client = transport?.(context.logger) ?? amqplibTransport(where, context.logger)
    this.#publisher.open(client.connection('publish'))
    return {
      connection: client.connection('consume'),
      isolation: new Isolation(() => client.connection('probe')),
      observer: observer ?? countingObserver(context.metrics, () => context.clock.monotonic()),
      applier: new TopologyApplier({
        state: context.state,
        clock: context.clock,
        logger: context.logger,
        vhost: where.vhost,
        owner: owner ?? 'millrace',
        ...(retireAfterMs !== undefined && { retireAfterMs }),
      }),
      dedupe: dedupe?.(context),
      native: new NativeRetries({ now: () => context.clock.monotonic(), logger: context.logger }),
    }
  }

  #scrape({ metrics, clock, logger }: SourceContext, session: RabbitmqSession, connection: AmqpConnection): () => void {
    const { depths, times } = this.#options
    const queues = (): readonly string[] => session.consumers.map(({ queue }) => queue)
    const letterQueues = (): ReadonlySet<string> => new Set(queues().flatMap((queue) => this.#plans.intake(queue)?.deadLetterQueue ?? []))
    const lengths = watchDepths({
      read: depths?.read ?? depthsByDeclare(connection, times?.linkMs ?? defaultTimes.linkMs),
      queues: () => [...queues(), ...letterQueues()],
      intervalMs: depths?.intervalMs ?? 30_000,
      clock,
      logger,
    })
    const scraped = { consumers: () => session.consumers, depths: () => lengths.current(), letterQueues }
    const forget = scrapeConsumers(metrics, scraped, () => clock.monotonic())
    return () => {
      lengths.stop()
      forget()
    }
  }
}

/**
 * RabbitMQ's queues, exchanges and streams as a source: a message is acknowledged after its functions have succeeded, its retries wait in
 * delay queues, and a queue that has trouble waits alone. At least once: after a crash what was in flight comes again.
 */
export const rabbitmqSource = (options: RabbitmqSourceOptions): RabbitmqSource => {
  const source = new AmqpSource(options)
  return {
    name: 'rabbitmq',
    replay: 'broker',
    order: source.order,
    position: 'each',
    replies: true,
    headerPrefix: rabbitmqHeaderPrefix,
    attributeNames: rabbitmqAttributeNames,
    annotations: rabbitmqAnnotations,
    ...(source.deadLetters !== undefined && { deadLetters: source.deadLetters }),
    consumers: () => source.consumers(),
    connect: (context) => source.connect(context),
    defer: (delivery, routes, afterMs) => source.defer(delivery, routes, afterMs),
    ...(source.deferFromMs !== undefined && { deferFromMs: source.deferFromMs }),
    maxReconnectMs: source.maxReconnectMs,
    dispose: () => source.dispose(),
  }
}
