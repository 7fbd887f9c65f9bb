import { describeError, MillraceError } from '@millrace/sdk'
import type { Clock, Logger } from '@millrace/sdk'
import type { KafkaDriver, LogRange, TopicPartition } from '../driver/driver.ts'
import { intakeOf } from '../driver/driver.ts'
import type { Committer } from './committer.ts'
import type { Partition } from './partition.ts'
import { decideStart } from './start-position.ts'
import type { InitialOffset, LostPosition, OutOfRangePolicy } from './start-position.ts'
import { sleep } from './wait.ts'

/** Rules for the beginning of a partition. */
export interface StartRules {
  /** @default 'oldest' */
  readonly initialOffset: InitialOffset
  /** @default 'earliest' */
  readonly outOfRange: OutOfRangePolicy
}

/** @see Starter */
export interface StarterOptions {
  readonly driver: Pick<KafkaDriver, 'committed' | 'ranges'>
  readonly groupId: string
  readonly brokers: string
  readonly rules: StartRules
  /** Partitions that each topic had when the member joined: one above is new, and begins at its beginning. */
  readonly known: ReadonlyMap<string, number>
  readonly committer: Pick<Committer, 'flush'>
  readonly seek: (at: TopicPartition, offset: number) => void
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

const firstWaitMs = 500
const maxWaitMs = 30_000

const consequences: Readonly<Record<OutOfRangePolicy, string>> = {
  earliest: 'It goes on with the oldest record there is',
  latest: 'It goes on with what comes from now on; what lies in the log is not delivered',
  fail: 'The partition stands still until a person has chosen a position',
}

/** Finds out where gained partitions begin, tells the broker where it must, and lets them go. */
export class Starter {
  readonly #options: StarterOptions

  constructor(options: StarterOptions) {
    this.#options = options
  }

  /** Tries until it has worked or the partitions are gone. Never rejects. @param lost of the only partition, when the log had not what it asked for */
  async begin(partitions: readonly Partition[], lost?: LostPosition): Promise<void> {
    const { clock, logger, signal, groupId } = this.#options
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      const open = partitions.filter((partition) => !partition.closed)
      if (open.length === 0 || signal.aborted) return
      try {
        if (await this.#try(open, lost)) return
        logger.warn('partitions cannot begin yet: the broker does not say where they are, or has not stored where they begin; they wait', {
          group: groupId,
          partitions: open.length,
          retryMs: waitMs,
        })
      } catch (error) {
        logger.warn('the positions of partitions could not be read; they wait', {
          group: groupId,
          partitions: open.length,
          error: describeError(error),
          retryMs: waitMs,
        })
      }
      await sleep(clock, waitMs, signal)
    }
  }

  async #try(partitions: readonly Partition[], lost: LostPosition | undefined): Promise<boolean> {
    const waiting = partitions.filter((partition) => partition.held('starting'))
    if (waiting.length > 0) await this.#decideAll(waiting, lost)
    // A partition that the broker does not know yet (or any more) is asked for again.
    const settled = partitions.every((partition) => !partition.held('starting') || partition.held('stopped'))
    if (!partitions.some((partition) => partition.held('unsaved'))) return settled
    if (!(await this.#options.committer.flush())) return false
    for (const partition of partitions) partition.release('unsaved')
    return settled
  }

  async #decideAll(partitions: readonly Partition[], lost: LostPosition | undefined): Promise<void> {
    const { driver, groupId } = this.#options
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    // In this order: the end that is read afterwards is not before a position that was committed.
    const committed = new Map((await driver.committed(groupId, topics)).map((found) => [intakeOf(found), found]))
    const ranges = new Map((await driver.ranges(topics)).map((found) => [intakeOf(found), found]))
    for (const partition of partitions) {
      const range = ranges.get(partition.intake)
      if (range === undefined || partition.closed) continue
      this.#decide(partition, committed.get(partition.intake) ?? { offset: -1, metadata: '' }, range, lost)
    }
  }

  #decide(
    partition: Partition,
    committed: { readonly offset: number; readonly metadata: string },
    range: LogRange,
    lost: LostPosition | undefined,
  ): void {
    const { rules, known, seek, logger, groupId } = this.#options
    const isNew = partition.partition >= (known.get(partition.topic) ?? Infinity)
    const decision = decideStart(committed, range, isNew ? { ...rules, initialOffset: 'oldest' } : rules, lost)
    partition.highWatermark = range.high
    if (lost !== undefined && decision.kind === 'start' && !decision.alert)
      logger.warn('an offset was refused that the log has: a follower may lag behind; nothing is repeated or left out', {
        group: groupId,
        topic: partition.topic,
        partition: partition.partition,
      })
    if (decision.kind === 'fail' || decision.alert) this.#alert(partition, lost?.position?.offset ?? committed.offset, range)
    if (decision.kind === 'fail') {
      partition.hold('stopped')
      return
    }
    const { position } = decision
    if (!position.committed) partition.hold('unsaved')
    seek(partition, position.offset)
    partition.start(position)
  }

  #alert({ topic, partition }: Partition, committed: number, { low, high }: LogRange): void {
    const { brokers, groupId: group, rules, logger } = this.#options
    const policy = rules.outOfRange
    const error = new MillraceError('E_KAFKA_POSITION', {
      brokers,
      group,
      topic,
      partition,
      committed,
      low,
      high,
      policy,
      consequence: consequences[policy],
    })
    logger.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, topic, partition, group })
  }
}
