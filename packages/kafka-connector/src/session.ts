import { describeError, isMillraceError, MillraceError, openSession } from '@millrace/sdk'
import type { FunctionDeclaration, OpenSession, SourceContext, Timer } from '@millrace/sdk'
import type { KafkaObserver } from './consumer/observer.ts'
import type { Partition } from './consumer/partition.ts'
import type { StartRules } from './consumer/starter.ts'
import { TopicConsumer } from './consumer/topic-consumer.ts'
import type { ConsumerTimes } from './consumer/topic-consumer.ts'
import type { KafkaDeadLetters } from './dead-letters/kafka-dead-letters.ts'
import type { DriverRecord, KafkaDriver } from './driver/driver.ts'
import type { OwnedGroup } from './metrics.ts'
import { recordToEvent } from './mapping/record-to-event.ts'
import { RecordDelivery } from './record-delivery.ts'
import type { ValueDecoder } from './registry/value-decoder.ts'
import { selectTopics } from './topics/topic-pattern.ts'
import { groupTopics, resolveTopics } from './topics/resolve-topics.ts'
import type { TopicRules } from './topics/resolve-topics.ts'

/** Everything a session is given; times in milliseconds. */
export interface SessionOptions {
  readonly driver: KafkaDriver
  readonly brokers: string
  /** Exact names and patterns. Empty: what the functions want. */
  readonly topics: readonly string[]
  readonly topicRules: TopicRules
  readonly groupTemplate: string
  readonly startRules: StartRules
  readonly times: ConsumerTimes
  /** How often topics are looked at again. @default 30000 */
  readonly refreshMs: number
  /** How long changes of the functions are gathered before the group joins anew. @default 1000 */
  readonly settleMs: number
  /** A member that has not fetched for so long is dead. @default 120000 */
  readonly stalledMs: number
  readonly observer: KafkaObserver
  /** Values of a schema registry. */
  readonly decoder?: ValueDecoder | undefined
  /** Asked before a topic is consumed: whether its dead letters have somewhere to go. */
  readonly deadLetters?: Pick<KafkaDeadLetters, 'isDeadLetterTopic' | 'prepare'> | undefined
}

const firstWaitMs = 1000
const maxWaitMs = 60_000

interface Failure {
  readonly count: number
  /** Monotonic. */
  readonly retryAt: number
}

const subscribes = (declared: FunctionDeclaration | undefined, topic: string): boolean => {
  if (declared === undefined) return false
  const selection = selectTopics(declared.topics)
  return selection.exact.has(topic) || selection.matchesPattern(topic)
}

/**
 * One session with the cluster: keeps one member for each group, over the topics that exist and that it may read. What concerns one topic
 * or one group is mended here; when no group is left, the session is lost and the runtime connects anew.
 */
export class KafkaSession {
  readonly session: OpenSession
  readonly #options: SessionOptions
  readonly #context: SourceContext
  readonly #consumers = new Map<string, TopicConsumer>()
  readonly #failures = new Map<string, Failure>()
  /** What was said of topics that cannot be consumed, so that it is said once. */
  readonly #complaints = new Map<string, string>()
  /** Topics whose dead letters have somewhere to go. */
  readonly #prepared = new Set<string>()
  readonly #mayTarget = (name: string, topic: string): boolean => subscribes(this.#context.functions.get(name), topic)
  #cluster = ''
  #timer: Timer | undefined
  #timerAt = Infinity
  #working: Promise<void> | undefined
  #again = false
  #unsubscribe: () => void = () => {}

  constructor(options: SessionOptions, context: SourceContext) {
    this.#options = options
    this.#context = context
    this.session = openSession({
      pause: (intake) => this.#repause(intake),
      resume: (intake) => this.#repause(intake),
      leave: (lost) => this.#leave(lost),
    })
  }

  /** The groups with the partitions that are owned in each, for gauges. */
  get groups(): readonly OwnedGroup[] {
    return [...this.#consumers.values()]
  }

  /** Partitions of all groups. */
  get partitions(): readonly Partition[] {
    return [...this.#consumers.values()].flatMap((consumer) => consumer.partitions)
  }

  /** Reaches the cluster and joins the groups. @throws MillraceError when none of them can be joined */
  async start(): Promise<void> {
    const { driver } = this.#options
    try {
      this.#context.signal.throwIfAborted()
      this.#cluster = await driver.connect()
      await this.#reconcile(true)
      this.#context.signal.throwIfAborted()
    } catch (error) {
      await this.session.close().catch(() => {})
      throw error
    }
    if (this.#options.topics.length === 0)
      this.#unsubscribe = this.#context.functions.subscribe(() => this.#schedule(this.#options.settleMs))
    this.#schedule(this.#options.refreshMs)
  }

  #repause(intake: string | undefined): void {
    for (const consumer of this.#consumers.values()) consumer.repause(intake)
  }

  async #leave(lost: Error | undefined): Promise<void> {
    this.#unsubscribe()
    this.#timer?.cancel()
    const consumers = [...this.#consumers.values()]
    this.#consumers.clear()
    // On a stop everything is acknowledged or released by now: only the last commit is left to do.
    await Promise.all(consumers.map((consumer) => consumer.close(0)))
    if (lost === undefined) await this.#working?.catch(() => {})
    await this.#options.driver.close()
  }

  /** Looks at the topics in `ms`, or sooner if it is planned sooner. */
  #schedule(ms: number): void {
    const { clock } = this.#context
    const at = clock.monotonic() + ms
    if (this.session.ended || at >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = clock.after(ms, () => {
      this.#timerAt = Infinity
      this.#timer = undefined
      void this.#refresh()
    })
  }

  async #refresh(): Promise<void> {
    if (this.#working !== undefined) {
      this.#again = true
      return
    }
    this.#working = this.#reconcile(false)
    try {
      await this.#working
    } catch (error) {
      // The last good set of topics stays.
      this.#report(error, 'the topics could not be looked at; what is consumed stays as it is')
      if (this.#consumers.size === 0) this.session.lose(error instanceof Error ? error : new Error(describeError(error)))
    } finally {
      this.#working = undefined
    }
    this.#schedule(this.#again ? this.#options.settleMs : this.#options.refreshMs)
    this.#again = false
  }

  async #reconcile(first: boolean): Promise<void> {
    const { driver, groupTemplate } = this.#options
    this.#loseStalled()
    const groups = groupTopics(groupTemplate, await this.#readyTopics())
    // An idle session still wants to know whether the broker is there.
    if (groups.size === 0 && !first) await driver.connect()
    for (const [group, consumer] of this.#consumers) {
      const topics = groups.get(group)
      const same =
        topics !== undefined && topics.size === consumer.topics.size && [...topics.keys()].every((topic) => consumer.topics.has(topic))
      if (!same) await this.#dismiss(consumer)
    }
    const errors: unknown[] = []
    for (const [group, topics] of groups) {
      if (this.session.ended || this.#consumers.has(group) || !this.#isDue(group)) continue
      const error = await this.#open(group, topics)
      if (error !== undefined) errors.push(error)
    }
    if (errors.length > 0 && this.#consumers.size === 0) throw errors[0]
    await this.#refreshLag()
  }

  /** Topics that exist and that this user may see, with their partitions; the others are complained of. */
  async #readyTopics(): Promise<ReadonlyMap<string, number>> {
    const { driver, topics, topicRules } = this.#options
    const wanted = topics.length > 0 ? topics : this.#context.functions.snapshot().flatMap((declared) => declared.topics)
    const wild = wanted.some((topic) => /(?:^|\.)[*#>](?:\.|$)/.test(topic))
    const resolved = resolveTopics(wanted, wild ? await driver.topics() : [], topicRules)
    const states = await driver.describe(resolved)
    const ready = new Map<string, number>()
    for (const topic of resolved) {
      const state = states.get(topic) ?? { kind: 'missing' }
      if (state.kind === 'ready') {
        const problem = await this.#letterProblem(topic)
        if (problem !== undefined) {
          this.#complain(topic, problem)
          continue
        }
        ready.set(topic, state.partitions)
        if (this.#complaints.delete(topic)) this.#context.logger.info('the topic can be consumed now', { topic })
      } else this.#complain(topic, this.#stateProblem(topic, state.kind))
    }
    for (const topic of this.#complaints.keys()) if (!resolved.includes(topic)) this.#complaints.delete(topic)
    return ready
  }

  #stateProblem(topic: string, kind: 'missing' | 'denied'): MillraceError {
    const { brokers, driver, refreshMs } = this.#options
    const place = { topic, brokers, user: driver.user, interval: Math.round(refreshMs / 1000) }
    return new MillraceError(kind === 'missing' ? 'E_KAFKA_TOPIC_MISSING' : 'E_KAFKA_TOPIC_DENIED', place)
  }

  /** Nothing is taken in whose dead letters have nowhere to go, or would come back. */
  async #letterProblem(topic: string): Promise<Error | undefined> {
    const { deadLetters, topicRules } = this.#options
    if (deadLetters === undefined || this.#prepared.has(topic)) return undefined
    if (deadLetters.isDeadLetterTopic(topic)) {
      return new MillraceError('E_KAFKA_LETTER_LOOP', { topic, template: topicRules.deadLetterTopic ?? '' })
    }
    const functions = this.#context.functions.snapshot().filter((declared) => subscribes(declared, topic))
    try {
      await deadLetters.prepare([{ topic }, ...functions.map((declared) => ({ topic, function: declared.function }))])
      this.#prepared.add(topic)
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(describeError(error))
    }
  }

  #complain(topic: string, problem: Error): void {
    const kind = isMillraceError(problem) ? problem.code : problem.message
    if (this.#complaints.get(topic) === kind) return
    this.#complaints.set(topic, kind)
    this.#report(problem, 'a topic is left out', { topic })
  }

  async #open(group: string, topics: ReadonlyMap<string, number>): Promise<unknown> {
    const { driver, brokers, startRules, times, observer } = this.#options
    const { clock, logger } = this.#context
    const consumer = new TopicConsumer({
      driver,
      groupId: group,
      brokers,
      topics,
      rules: startRules,
      times,
      clock,
      logger,
      observer,
      revoke: (intakes, drainMs) => this.#context.revoke(intakes, drainMs),
      paused: (intake) => this.session.paused(intake),
      emit: (record, partition, seq) => this.#emit(record, partition, seq),
      ready: this.#options.decoder && ((record) => this.#options.decoder?.ready(record)),
      onLost: (reason) => this.#onLost(consumer, reason),
    })
    // At once, so that a close meanwhile finds it.
    this.#consumers.set(group, consumer)
    try {
      await consumer.open()
      this.#failures.delete(group)
      return undefined
    } catch (error) {
      if (this.#consumers.get(group) === consumer) this.#consumers.delete(group)
      if (!this.session.ended) this.#fail(group, error)
      return error
    }
  }

  async #dismiss(consumer: TopicConsumer): Promise<void> {
    this.#context.logger.info('the topics of a group change; it joins anew', { group: consumer.groupId })
    await consumer.close(this.#options.times.drainMs)
    if (this.#consumers.get(consumer.groupId) === consumer) this.#consumers.delete(consumer.groupId)
  }

  #emit(record: DriverRecord, partition: Partition, seq: number): void {
    if (this.session.ended) return
    const mapped = recordToEvent(record, {
      cluster: this.#cluster,
      decoded: this.#options.decoder?.decode(record),
      mayTarget: this.#mayTarget,
    })
    this.#context.emit(new RecordDelivery(mapped, partition, seq))
  }

  #onLost(consumer: TopicConsumer, reason: Error): void {
    if (this.#consumers.get(consumer.groupId) !== consumer) return
    this.#consumers.delete(consumer.groupId)
    if (this.#consumers.size === 0 && this.#options.groupTemplate === consumer.groupId) {
      // The only group: the runtime waits, connects anew and says so in its readiness.
      this.session.lose(reason)
      return
    }
    this.#fail(consumer.groupId, reason)
    if (this.#consumers.size === 0) this.session.lose(reason)
  }

  #fail(group: string, error: unknown): void {
    const count = (this.#failures.get(group)?.count ?? 0) + 1
    const waitMs = Math.min(firstWaitMs * 2 ** (count - 1), maxWaitMs)
    this.#failures.set(group, { count, retryAt: this.#context.clock.monotonic() + waitMs })
    this.#report(error, 'a group could not be joined, or its member was lost; it is tried again', { group, retryMs: waitMs })
    this.#schedule(waitMs)
  }

  #isDue(group: string): boolean {
    return (this.#failures.get(group)?.retryAt ?? 0) <= this.#context.clock.monotonic()
  }

  #loseStalled(): void {
    const now = this.#context.clock.monotonic()
    for (const consumer of this.#consumers.values()) {
      const silent = now - consumer.aliveAt
      if (silent < this.#options.stalledMs) continue
      const place = {
        group: consumer.groupId,
        brokers: this.#options.brokers,
        reason: `it has not fetched for ${Math.round(silent / 1000)} s`,
      }
      consumer.lose(new MillraceError('E_KAFKA_CONSUMER', place))
    }
  }

  /** The end of the log of partitions that are idle or paused, for the lag. */
  async #refreshLag(): Promise<void> {
    const { partitions } = this
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    if (topics.length === 0) return
    try {
      const ends = new Map((await this.#options.driver.ranges(topics)).map(({ topic, partition, high }) => [`${topic}/${partition}`, high]))
      for (const partition of partitions) partition.highWatermark = Math.max(partition.highWatermark ?? 0, ends.get(partition.intake) ?? 0)
    } catch (error) {
      this.#context.logger.debug('the ends of the logs could not be read', { error: describeError(error) })
    }
  }

  #report(error: unknown, what: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const { logger } = this.#context
    if (isMillraceError(error)) logger.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, what, ...fields })
    else logger.error(what, { error: describeError(error), ...fields })
  }
}
