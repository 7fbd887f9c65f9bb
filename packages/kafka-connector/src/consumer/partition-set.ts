import { intakeOf } from '../driver/driver.ts'
import type { DriverRecord, TopicPartition } from '../driver/driver.ts'
import type { KafkaObserver } from './observer.ts'
import { Partition } from './partition.ts'
import type { PartitionHooks, StartPosition } from './partition.ts'

/** @see PartitionSet */
export interface PartitionSetOptions {
  readonly groupId: string
  readonly observer: KafkaObserver
  /** The runtime has paused this intake, or all. */
  readonly paused: (intake: string) => boolean
  readonly emit: (record: DriverRecord, partition: Partition, seq: number) => void
  /** @see PartitionHooks */
  readonly ready?: ((record: DriverRecord) => Promise<void> | undefined) | undefined
  readonly onFlow: (partition: Partition) => void
  readonly onCompleted: () => void
  /** @see PartitionHooks */
  readonly onGap: (partition: Partition, offset: number) => void
  /** @see PartitionHooks */
  readonly soon: (run: () => void) => void
}

/** What an assignment changed. */
export interface Reassigned {
  /** Ours before and after, by this member alone: goes on from its own position. */
  readonly kept: readonly { readonly partition: Partition; readonly position: StartPosition }[]
  readonly gained: readonly Partition[]
}

const maxRemembered = 10_000

/** The partitions that one member owns just now. Each assignment replaces all of them, so that no late result can meet a new window. */
export class PartitionSet {
  readonly #options: PartitionSetOptions
  readonly #owned = new Map<string, Partition>()
  /** The highest offset handed over, also of partitions that went: what comes below is a repetition. */
  readonly #seen = new Map<string, number>()

  constructor(options: PartitionSetOptions) {
    this.#options = options
  }

  get(at: TopicPartition): Partition | undefined {
    return this.#owned.get(intakeOf(at))
  }

  byIntake(intake: string): Partition | undefined {
    return this.#owned.get(intake)
  }

  get all(): readonly Partition[] {
    return [...this.#owned.values()]
  }

  get intakes(): readonly string[] {
    return [...this.#owned.keys()]
  }

  /** Takes a new assignment. Everything that was there is closed. */
  reassign(partitions: readonly TopicPartition[], continuous: boolean): Reassigned {
    const ends = new Map([...this.#owned].map(([intake, partition]) => [intake, partition.highWatermark]))
    const positions = new Map([...this.#owned].map(([intake, partition]) => [intake, continuous ? partition.position() : undefined]))
    this.clear()
    const kept: { partition: Partition; position: StartPosition }[] = []
    const gained: Partition[] = []
    for (const at of partitions) {
      const partition = this.#create(at)
      partition.highWatermark = ends.get(partition.intake)
      const position = positions.get(partition.intake)
      if (position === undefined) gained.push(partition)
      else kept.push({ partition, position })
    }
    return { kept, gained }
  }

  /** A fresh start for one that is still ours: its log was cut or made anew. */
  replace(old: Partition): Partition | undefined {
    if (this.#owned.get(old.intake) !== old) return undefined
    this.#close(old)
    return this.#create(old)
  }

  clear(): void {
    for (const partition of this.#owned.values()) this.#close(partition)
    this.#owned.clear()
  }

  #close(partition: Partition): void {
    const { observer } = this.#options
    if (partition.skipped > 0) observer.skipped(partition.topic, partition.skipped)
    partition.close()
  }

  #create(at: TopicPartition): Partition {
    const { emit, groupId, onFlow, onCompleted, onGap, observer, paused, ready, soon } = this.#options
    const hooks: PartitionHooks = {
      ...(ready !== undefined && { ready }),
      emit: (record, seq) => {
        const seen = this.#seen.get(partition.intake) ?? -1
        if (record.offset <= seen) observer.redelivered(partition.topic)
        else this.#remember(partition.intake, record.offset)
        emit(record, partition, seq)
      },
      onFetched: (records) => observer.fetched(groupId, at, records),
      onFlow: () => onFlow(partition),
      onCompleted,
      onGap: (offset) => onGap(partition, offset),
      soon,
      onFenced: () => observer.fenced(partition.topic, 1),
    }
    const partition = new Partition({ topic: at.topic, partition: at.partition }, hooks)
    if (paused(partition.intake)) partition.hold('full')
    this.#owned.set(partition.intake, partition)
    return partition
  }

  #remember(intake: string, offset: number): void {
    if (this.#seen.size >= maxRemembered && !this.#seen.has(intake)) this.#seen.clear()
    this.#seen.set(intake, offset)
  }
}
