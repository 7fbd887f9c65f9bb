import { offsetWindow } from '@millrace/sdk'
import type { OffsetRun, OffsetWindow } from '@millrace/sdk'
import { intakeOf } from '../driver/driver.ts'
import type { CommitItem, DriverBatch, DriverRecord, TopicPartition } from '../driver/driver.ts'
import { BatchTimes } from './batch-times.ts'
import { decodeRuns, encodeRuns } from './completed-runs.ts'

/** Why nothing is fetched or emitted. Several may hold at once. */
export type HoldReason =
  /** Its position is being read or decided. */
  | 'starting'
  /** Its first position is not committed yet. */
  | 'unsaved'
  /** The group is about to join: ownership may go. */
  | 'frozen'
  /** The runtime says so: a bound is reached. */
  | 'full'
  /** The next record cannot be read yet: the schema registry has not answered. */
  | 'decoding'
  /** The written policy says that a person must decide (`offset_out_of_range: fail`). */
  | 'stopped'

/** Where a partition begins. */
export interface StartPosition {
  readonly offset: number
  /** Finished above `offset`: these records are not run again. */
  readonly done: readonly OffsetRun<number>[]
  /** `offset` is what the broker has; false: it must be committed. */
  readonly committed: boolean
}

/** What a partition does with its records. */
export interface PartitionHooks {
  /** Asked before each record is taken. A promise: the partition waits for it, and asks again. Its rejection means that the connector stops. */
  ready?(record: DriverRecord): Promise<void> | undefined
  /** Hands one over; may put the partition on hold at once. `seq` is for `complete`. */
  emit(record: DriverRecord, seq: number): void
  /** So many records of a batch were taken. */
  onFetched?(records: number): void
  /** Whether records may be fetched has changed. */
  onFlow(): void
  /** Something is there to commit. */
  onCompleted(): void
  /** What came begins above the position: whoever fetches must go back to `offset`. */
  onGap(offset: number): void
  /** Calls `run` once, after what is due in the event loop has had its turn. Absent: batches are handed over whole. */
  soon?(run: () => void): void
  /** A result came after `close()`. */
  onFenced(): void
}

/** Records that are handed over in one go: a batch may hold ten thousand, and answers, timers and heartbeats wait meanwhile. */
const sliceRecords = 32

/**
 * One partition from its assignment until the next: its window, what was fetched and not handed over yet, and why it stands still.
 * It is never used again after `close()`: whoever owns the partition next begins with a new one.
 */
export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly intake: string
  readonly #hooks: PartitionHooks
  readonly #holds = new Set<HoldReason>(['starting'])
  readonly #window: OffsetWindow<number> = offsetWindow()
  #done: OffsetRun<number>[] = []
  #waiting: readonly DriverRecord[] = []
  #next = 0
  /** `through` of the batch that waits: its markers count as read only once its records are in the window. */
  #through = 0
  /** The position at which what came without records began above it. */
  #gapAt = -1
  #closed = false
  #flowing = false
  /** The rest of `#waiting` is handed over soon: nothing else keeps it. */
  #sliced = false
  /** While it was sliced, one more batch has come. */
  #behind = false
  #changed = false
  #committed: number | undefined
  #pushed = 0
  readonly #times = new BatchTimes()
  highWatermark: number | undefined
  /** Records that were not run again because an earlier owner had finished them. */
  skipped = 0

  constructor(at: TopicPartition, hooks: PartitionHooks) {
    this.topic = at.topic
    this.partition = at.partition
    this.intake = intakeOf(at)
    this.#hooks = hooks
  }

  /** Begins at a position. Only once, and only while `starting`. */
  start({ offset, done, committed }: StartPosition): void {
    this.#window.advance(offset)
    this.#through = offset
    this.#done = [...done]
    this.#committed = committed ? offset : undefined
    this.#changed = !committed
    this.release('starting')
    if (!committed) this.#hooks.onCompleted()
  }

  /** Takes what was fetched. False: not now, it must be fetched again. */
  ingest(batch: DriverBatch): boolean {
    if (this.#closed || this.#holds.has('starting') || this.#holds.has('frozen') || this.#holds.has('stopped')) return false
    // A fetch that was under way when the partition filled up: kafkajs would throw it away, another client may not.
    if (this.#left > 0 && (!this.#sliced || this.#behind || this.#holds.size > 0)) return false
    // Fetched before a join, from where an earlier assignment stood: taken, what lies between would never be read.
    if (batch.from > this.#through) {
      this.#hooks.onGap(this.#through)
      return false
    }
    this.highWatermark = batch.highWatermark
    const records = batch.records.filter(({ offset }) => offset >= this.#through)
    this.#times.add(this.#pushed + this.#left, records[0]?.timestamp, this.#head)
    this.#through = Math.max(this.#through, batch.through)
    if (records.length > 0) this.#hooks.onFetched?.(records.length)
    if (this.#left > 0) {
      this.#behind = true
      this.#waiting = [...this.#waiting.slice(this.#next), ...records]
      this.#next = 0
    } else {
      this.#waiting = records
      this.#next = 0
      this.#flow()
    }
    // What fills up in the middle of a batch is not fetched on: without this the next batch is fetched and refused, over and over.
    if (!this.flows) this.#hooks.onFlow()
    return true
  }

  /** The log was read from at most `from` up to `through` and held no records. */
  skipTo(from: number, through: number): void {
    if (this.#closed || this.#holds.has('starting') || this.#holds.has('frozen')) return
    if (through <= this.#through) return
    // Either compaction has left a gap before it, or it is of another assignment. Asked for again, only the first comes again.
    if (from > this.#through && this.#gapAt !== this.#through) {
      this.#gapAt = this.#through
      this.#hooks.onGap(this.#through)
      return
    }
    this.#through = through
    if (this.#left === 0) this.#advance()
  }

  hold(reason: HoldReason): void {
    if (this.#holds.has(reason)) return
    const flowed = this.flows
    this.#holds.add(reason)
    if (flowed) this.#hooks.onFlow()
  }

  release(reason: HoldReason): void {
    if (!this.#holds.delete(reason) || this.#closed) return
    this.#flow()
    if (this.flows) this.#hooks.onFlow()
  }

  held(reason: HoldReason): boolean {
    return this.#holds.has(reason)
  }

  /** More may be fetched. */
  get flows(): boolean {
    return !this.#closed && this.#holds.size === 0 && (this.#left === 0 || (this.#sliced && !this.#behind))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** A record is finished, by the number it was emitted with. Counts once, and only while the partition is owned. */
  complete(seq: number): void {
    if (this.#closed) {
      this.#hooks.onFenced()
      return
    }
    if (!this.#window.complete(seq)) return
    this.#changed = true
    this.#hooks.onCompleted()
  }

  /** What should be committed; `undefined` when the broker has it already. */
  dirty(): CommitItem | undefined {
    const offset = this.#window.commitPoint
    if (this.#closed || !this.#changed || offset === undefined || this.#holds.has('starting')) return undefined
    return { topic: this.topic, partition: this.partition, offset, metadata: encodeRuns(offset, this.#runs()) }
  }

  /** `dirty()` was called, and its item is on its way: what completes from now on is a new change. */
  committing(): void {
    this.#changed = false
  }

  /** The broker has it. */
  committed(offset: number): void {
    this.#committed = Math.max(this.#committed ?? 0, offset)
  }

  /** It has not: it stays dirty. */
  notCommitted(): void {
    this.#changed = true
  }

  /** Where a next assignment of this member goes on, if nobody else has had the partition meanwhile. */
  position(): StartPosition | undefined {
    const offset = this.#window.commitPoint
    if (offset === undefined || this.#holds.has('starting') || this.#holds.has('unsaved')) return undefined
    return { offset, done: this.#runs(), committed: !this.#changed && this.#committed === offset }
  }

  /** What the broker has, as far as is known. */
  get committedOffset(): number | undefined {
    return this.#committed
  }

  /** Records behind the committed position; absent until the end of the log is known. */
  get lag(): number | undefined {
    if (this.highWatermark === undefined) return undefined
    return Math.max(0, this.highWatermark - (this.#committed ?? this.#window.commitPoint ?? 0))
  }

  /** What was taken or passed over, whether it is finished or not: the next fetch begins here. */
  get fetchedTo(): number {
    return this.#through
  }

  get span(): number {
    return this.#window.span
  }

  /** When the oldest record that is not finished was written (of its batch the first), epoch milliseconds. */
  get oldestAt(): number | undefined {
    return this.#window.span === 0 ? undefined : this.#times.at(this.#head)
  }

  /** Number of the first record that is not finished. */
  get #head(): number {
    return this.#pushed - this.#window.span
  }

  /** Ownership is over: later results are fenced. */
  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#next = 0
  }

  /** Records that were fetched and are not handed over yet. */
  get #left(): number {
    return this.#waiting.length - this.#next
  }

  #flow(): void {
    // An acknowledgement in the middle of an emit may lift a hold: the loop that runs already goes on then.
    if (this.#flowing || this.#sliced) return
    this.#flowing = true
    try {
      for (let taken = 0; this.#holds.size === 0 && !this.#closed && this.#left > 0; taken += 1) {
        if (taken >= sliceRecords && this.#hooks.soon !== undefined) {
          this.#sliced = true
          this.#hooks.soon(() => this.#nextSlice())
          break
        }
        const record = this.#waiting[this.#next] as DriverRecord
        const ready = this.#hooks.ready?.(record)
        if (ready !== undefined) {
          this.#awaitReady(ready)
          break
        }
        this.#next += 1
        this.#take(record)
      }
    } finally {
      this.#flowing = false
    }
    if (this.#closed || this.#left > 0) return
    this.#waiting = []
    this.#next = 0
    this.#behind = false
    this.#advance()
  }

  #nextSlice(): void {
    this.#sliced = false
    if (this.#closed) return
    const flowed = !this.#behind && this.#holds.size === 0
    this.#flow()
    if (this.flows !== flowed) this.#hooks.onFlow()
  }

  #awaitReady(ready: Promise<void>): void {
    this.hold('decoding')
    ready.then(
      () => this.release('decoding'),
      () => {},
    )
  }

  #take(record: DriverRecord): void {
    const seq = this.#window.push(record.offset, record.offset + 1)
    this.#pushed += 1
    if (this.#isDone(record.offset)) {
      this.skipped += 1
      this.complete(seq)
      return
    }
    this.#hooks.emit(record, seq)
  }

  #advance(): void {
    const before = this.#window.commitPoint
    this.#window.advance(this.#through)
    if (this.#window.commitPoint === before) return
    this.#changed = true
    this.#hooks.onCompleted()
  }

  #isDone(offset: number): boolean {
    while ((this.#done[0]?.through ?? Infinity) <= offset) this.#done.shift()
    return (this.#done[0]?.from ?? Infinity) <= offset
  }

  /** What is finished above the commit point: in the window, and what an earlier owner finished and is not read again yet. */
  #runs(): readonly OffsetRun<number>[] {
    const own = this.#window.completedRuns(2000)
    const behind = this.#done.filter(({ through }) => through > this.#readTo())
    return [...own, ...behind.map(({ from, through }) => ({ from: Math.max(from, this.#readTo()), through }))]
  }

  /** What is in the window or before it. Records that wait are not. */
  #readTo(): number {
    return this.#left > 0 ? (this.#waiting[this.#next] as DriverRecord).offset : this.#through
  }
}

/** A start at what the broker has, with what its metadata says, as far as the log reaches. */
export const startAt = (offset: number, metadata: string, high: number): StartPosition => ({
  offset,
  // Runs above the end are of a log that was cut: its offsets are given out anew.
  done: decodeRuns(offset, metadata).filter(({ through }) => through <= high),
  committed: true,
})
