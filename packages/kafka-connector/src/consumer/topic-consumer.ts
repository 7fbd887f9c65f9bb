import { describeError } from '@millrace/sdk'
import type { Clock, Logger, SourceContext } from '@millrace/sdk'
import type { Assignment, DriverBatch, DriverConsumer, DriverRecord, KafkaDriver, TopicPartition } from '../driver/driver.ts'
import { Committer } from './committer.ts'
import type { KafkaObserver } from './observer.ts'
import type { Partition } from './partition.ts'
import { PartitionSet } from './partition-set.ts'
import { Starter } from './starter.ts'
import type { StartRules } from './starter.ts'
import { within } from './wait.ts'

/** Times of one member. */
export interface ConsumerTimes {
  /** How long what is in flight may go on before a join: below the session timeout, since the member says nothing meanwhile. */
  readonly drainMs: number
  /** How long the last commit before a join or a stop may take. @default 5000 */
  readonly commitMs: number
  /** @default 1000 */
  readonly commitIntervalMs: number
  /** @default 1000 */
  readonly commitEvery: number
}

/** @see TopicConsumer */
export interface TopicConsumerOptions {
  readonly driver: KafkaDriver
  readonly groupId: string
  readonly brokers: string
  /** With the number of partitions each has now. */
  readonly topics: ReadonlyMap<string, number>
  readonly rules: StartRules
  readonly times: ConsumerTimes
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: KafkaObserver
  readonly revoke: SourceContext['revoke']
  readonly paused: (intake: string) => boolean
  /** Hands a record over; `partition.complete(seq)` says that it is finished. */
  readonly emit: (record: DriverRecord, partition: Partition, seq: number) => void
  /** @see PartitionHooks */
  readonly ready?: ((record: DriverRecord) => Promise<void> | undefined) | undefined
  /** @see PartitionHooks @default setImmediate */
  readonly soon?: ((run: () => void) => void) | undefined
  /** The member is gone; nothing more comes from it. */
  readonly onLost: (reason: Error) => void
}

/**
 * One member of one group, with the partitions it owns: made for one set of topics, and thrown away when that changes or the member
 * is lost. The states of a partition's records are the window's, what has ended is committed, and before every join all of it is
 * drained: what the group gives to another member has either run to its end and is committed, or runs there.
 */
export class TopicConsumer {
  readonly #options: TopicConsumerOptions
  readonly #partitions: PartitionSet
  readonly #committer: Committer
  readonly #starter: Starter
  readonly #abort = new AbortController()
  #member: DriverConsumer | undefined
  #draining: Promise<void> | undefined
  #over = false
  /** Monotonic time of the last fetch. */
  aliveAt: number

  constructor(options: TopicConsumerOptions) {
    const { driver, groupId, brokers, rules, times, clock, logger, observer, topics } = options
    this.#options = options
    this.aliveAt = clock.monotonic()
    this.#partitions = new PartitionSet({
      groupId,
      observer,
      paused: options.paused,
      emit: options.emit,
      ready: options.ready,
      onFlow: (partition) => this.#flow(partition),
      soon: options.soon ?? ((run) => void setImmediate(run)),
      onCompleted: () => this.#committer.completed(),
      onGap: (at, offset) => {
        logger.debug('what came begins above the position; it is read from there', {
          group: groupId,
          topic: at.topic,
          partition: at.partition,
        })
        this.#member?.seek(at, offset)
      },
    })
    this.#committer = new Committer({
      clock,
      intervalMs: times.commitIntervalMs,
      everyCompletions: times.commitEvery,
      partitions: () => this.#partitions.all,
      commit: (items) => this.#member?.commit(items) ?? Promise.reject(new Error('not joined')),
      onCommitted: (count, tookMs) => observer.committed(groupId, count, tookMs),
      onFailed: (error) => {
        observer.commitFailed(groupId)
        logger[error.code === 'E_KAFKA_COMMIT_FENCED' ? 'debug' : 'warn'](error.message, { code: error.code, group: groupId })
      },
    })
    this.#starter = new Starter({
      driver,
      groupId,
      brokers,
      rules,
      known: topics,
      committer: this.#committer,
      seek: (at, offset) => this.#member?.seek(at, offset),
      clock,
      logger,
      signal: this.#abort.signal,
    })
  }

  get groupId(): string {
    return this.#options.groupId
  }

  get topics(): ReadonlyMap<string, number> {
    return this.#options.topics
  }

  get partitions(): readonly Partition[] {
    return this.#partitions.all
  }

  /** Joins the group. @throws MillraceError */
  async open(): Promise<void> {
    const { driver, groupId, topics } = this.#options
    let assigned: Assignment | undefined
    const member = await driver.consume({
      groupId,
      topics: [...topics.keys()],
      onBatch: (batch) => this.#onBatch(batch),
      onSkipped: (at, from, through) => this.#partitions.get(at)?.skipTo(from, through),
      beforeJoin: () => this.#drain(),
      onAssigned: (assignment) => {
        // The first assignment may come before `consume` has given the member to command.
        if (this.#member === undefined) assigned = assignment
        else this.#onAssigned(assignment)
      },
      onOutOfRange: (at) => this.#onOutOfRange(at),
      onAlive: () => (this.aliveAt = this.#options.clock.monotonic()),
      onLost: (reason) => this.#onLost(reason),
    })
    this.#member = member
    if (this.#over) await member.stop()
    else if (assigned !== undefined) this.#onAssigned(assigned)
  }

  /** The runtime's pauses have changed; absent: for all. */
  repause(intake: string | undefined): void {
    const touched = intake === undefined ? this.#partitions.all : [this.#partitions.byIntake(intake)]
    for (const partition of touched) {
      if (partition === undefined) continue
      if (this.#options.paused(partition.intake)) partition.hold('full')
      else partition.release('full')
    }
  }

  /** Drains for up to `drainMs` (0: not at all), commits and leaves. Never rejects. */
  async close(drainMs: number): Promise<void> {
    if (this.#over) return
    await this.#drain(drainMs)
    this.#end()
    await this.#member?.stop()
  }

  /** It is dead and has not said so itself. */
  lose(reason: Error): void {
    void this.#member?.stop()
    this.#onLost(reason)
  }

  #end(): void {
    this.#over = true
    this.#committer.stop()
    this.#abort.abort()
    this.#partitions.clear()
  }

  #onBatch(batch: DriverBatch): boolean {
    const partition = this.#partitions.get(batch)
    if (this.#over || partition === undefined) return false
    return partition.ingest(batch)
  }

  /** All callers of one drain share it: several joins may begin at once. */
  #drain(drainMs: number = this.#options.times.drainMs): Promise<void> {
    if (this.#over) return Promise.resolve()
    return (this.#draining ??= this.#drainOnce(drainMs).finally(() => (this.#draining = undefined)))
  }

  async #drainOnce(drainMs: number): Promise<void> {
    const { clock, logger, revoke, times, groupId } = this.#options
    const startedAt = clock.monotonic()
    for (const partition of this.#partitions.all) partition.hold('frozen')
    try {
      // A moment more than it was given: the runtime keeps its own time.
      if (!(await within(clock, drainMs + 1000, revoke(this.#partitions.intakes, drainMs)))) {
        logger.error('the runtime did not give back what was in flight in time', { group: groupId })
      }
      if (!(await within(clock, times.commitMs, this.#committer.flush()))) {
        logger.warn('the last commit did not end in time: what was finished since the one before will be repeated', { group: groupId })
      }
    } catch (error) {
      logger.error('a drain failed', { group: groupId, error: describeError(error) })
    }
    logger.debug('drained', { group: groupId, partitions: this.#partitions.all.length, tookMs: clock.monotonic() - startedAt })
  }

  #onAssigned({ partitions, continuous }: Assignment): void {
    const { observer, groupId, logger } = this.#options
    if (this.#over) return
    const { kept, gained } = this.#partitions.reassign(partitions, continuous)
    // Pauses outlive a join in kafkajs, and a new member has none: said anew for each.
    this.#member?.pause(gained)
    for (const { partition, position } of kept) {
      this.#member?.seek(partition, position.offset)
      partition.start(position)
    }
    const flowing = kept.map(({ partition }) => partition).filter((partition) => partition.flows)
    this.#member?.resume(flowing)
    this.#member?.pause(kept.map(({ partition }) => partition).filter((partition) => !partition.flows))
    observer.rebalanced(groupId)
    logger.info('partitions assigned', { group: groupId, kept: kept.length, gained: gained.length })
    void this.#starter.begin(gained)
  }

  #onOutOfRange(at: TopicPartition): void {
    const old = this.#partitions.get(at)
    // kafkajs has written -2 over what was committed.
    old?.notCommitted()
    if (old === undefined || this.#over || old.held('frozen')) return
    old.hold('frozen')
    void this.#restart(old)
  }

  async #restart(old: Partition): Promise<void> {
    const { revoke, times, logger, groupId } = this.#options
    try {
      await revoke([old.intake], times.drainMs)
    } catch (error) {
      logger.error('a drain failed', { group: groupId, error: describeError(error) })
    }
    const lost = { position: old.position(), fetchedTo: old.fetchedTo }
    const fresh = this.#over ? undefined : this.#partitions.replace(old)
    if (fresh !== undefined) await this.#starter.begin([fresh], lost)
  }

  #onLost(reason: Error): void {
    if (this.#over) return
    const { intakes } = this.#partitions
    this.#end()
    // What was in flight belongs to nobody here any more; the group gives it to whoever joins next.
    this.#options
      .revoke(intakes, 0)
      .catch((error: unknown) => this.#options.logger.error('a release failed', { error: describeError(error) }))
    this.#options.onLost(reason)
  }

  #flow(partition: Partition): void {
    if (this.#over) return
    if (partition.flows) this.#member?.resume([partition])
    else this.#member?.pause([partition])
  }
}
