import { MillraceError } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import type { DueSlot } from './plan.ts'
import type { PutBatch, PutOwner } from './put-batch.ts'
import { decodeRecord, encodeRecord, recordText } from './record.ts'
import type { ScheduleRecord } from './record.ts'

const keyOf = (id: string): string => `cron:${id}`

/** A change that is not durable yet. */
interface Waiting {
  readonly claimed: readonly number[]
  readonly settled: readonly number[]
  readonly done: (granted: readonly number[]) => void
  readonly failed: (error: unknown) => void
}

const noSlots: readonly number[] = []
const noChanges: readonly Waiting[] = []

/**
 * The claims of one schedule: which slots are taken, which of them are settled.
 *
 * One compare-and-set a change, and changes that come while one is under way go together into the next. This is the seam for
 * several replicas: whoever moves the cursor over a slot has it, and a claim that lost is not granted. Not part of it yet:
 * leases that let another replica take over the open slots of one that died (reference 7).
 *
 * After a rejection nothing is known of the store: the session ends and the record is read again.
 */
export class Claims implements PutOwner {
  readonly #store: StateStore
  readonly #puts: PutBatch
  readonly #key: string
  readonly record: ScheduleRecord
  #version: number | 'absent'
  #waiting: Waiting[] = []
  /** The changes of the write that is under way. */
  #batch: readonly Waiting[] = noChanges
  /** Claims that somebody else had before, until those who made them are told. */
  #lost: Set<number> | undefined
  #writing = false
  /** Called when no write is under way any more. */
  #idle: (() => void) | undefined
  #removed = false

  private constructor(store: StateStore, puts: PutBatch, key: string, record: ScheduleRecord, version: number | 'absent') {
    this.#store = store
    this.#puts = puts
    this.#key = key
    this.record = record
    this.#version = version
  }

  /**
   * Reads the record of a schedule. One that was never seen begins at `now` (epoch seconds); one that cannot be read too, and says so through `unreadable`.
   */
  static async load(
    store: StateStore,
    puts: PutBatch,
    id: string,
    now: number,
    unreadable: (error: MillraceError) => void,
  ): Promise<Claims> {
    const key = keyOf(id)
    const stored = await store.get(key)
    const fresh = (): ScheduleRecord => ({ cursor: now, open: new Map(), runs: 0, suspended: false })
    if (stored === undefined) return new Claims(store, puts, key, fresh(), 'absent')
    const decoded = decodeRecord(stored.value)
    if ('value' in decoded) return new Claims(store, puts, key, decoded.value, stored.version)
    unreadable(new MillraceError('E_CRON_RECORD', { key, reason: decoded.problem }))
    return new Claims(store, puts, key, fresh(), stored.version)
  }

  /** False: nothing of this schedule was ever stored. */
  get stored(): boolean {
    return this.#version !== 'absent'
  }

  /**
   * Takes slots, ascending; calls `done`, once durable, with those that are ours. One at or below the cursor is somebody else's. Callbacks and not promises: ten thousand schedules may be due at
   * one second, and what each of them allocates is what the garbage collector makes all of them wait for.
   */
  claim(due: readonly DueSlot[], done: (granted: readonly number[]) => void, failed: (error: unknown) => void): void {
    const claimed: number[] = []
    for (const { slot, trigger, missed } of due) {
      if (slot <= this.record.cursor) continue
      this.record.open.set(slot, { trigger, missed })
      this.record.cursor = slot
      claimed.push(slot)
    }
    this.record.runs += claimed.length
    this.#change({ claimed, settled: noSlots, done, failed })
  }

  /** A claimed slot is over; resolves once durable. */
  settle(slots: readonly number[]): Promise<void> {
    for (const slot of slots) this.record.open.delete(slot)
    return new Promise((resolve, failed) => this.#change({ claimed: noSlots, settled: slots, done: () => resolve(), failed }))
  }

  /** Makes the record durable as it stands. */
  save(): Promise<void> {
    return this.settle(noSlots)
  }

  /** Forgets the schedule; later changes do nothing. */
  async remove(): Promise<void> {
    this.#removed = true
    if (this.#writing) await new Promise<void>((resolve) => (this.#idle = resolve))
    for (let stored = await this.#store.get(this.#key); stored !== undefined; stored = await this.#store.get(this.#key)) {
      if (await this.#store.delete(this.#key, stored.version)) return
    }
  }

  #change(change: Waiting): void {
    this.#waiting.push(change)
    if (!this.#writing) this.#write()
  }

  #write(): void {
    const batch = this.#waiting
    this.#waiting = []
    if (this.#removed) {
      this.#finish(batch, ({ done }) => done(noSlots))
      return
    }
    this.#writing = true
    this.#batch = batch
    this.#puts.put(this.#key, recordText(this.record), this.#version, this)
  }

  /** For the batch of puts: the write that was under way is through. */
  written(version: number | undefined): void {
    const batch = this.#batch
    if (version === undefined) this.#contend(batch)
    else {
      this.#version = version
      this.#finish(batch, ({ done, claimed }) => done(this.#granted(claimed)))
    }
  }

  /** For the batch of puts: it failed. */
  failed(error: unknown): void {
    this.#finish(this.#batch, ({ failed }) => failed(error))
  }

  #finish(batch: readonly Waiting[], tell: (change: Waiting) => void): void {
    this.#writing = false
    this.#batch = noChanges
    for (const change of batch) tell(change)
    if (this.#waiting.length > 0 && !this.#writing) this.#write()
    if (!this.#writing) this.#idle?.()
  }

  #granted(claimed: readonly number[]): readonly number[] {
    const lost = this.#lost
    return lost === undefined ? claimed : claimed.filter((slot) => !lost.delete(slot))
  }

  #contend(batch: readonly Waiting[]): void {
    const tell = ({ done, claimed }: Waiting): void => {
      done(this.#removed ? noSlots : this.#granted(claimed))
    }
    this.#merge(batch).then(
      () => this.#finish(batch, tell),
      (error: unknown) => this.#finish(batch, ({ failed }) => failed(error)),
    )
  }

  /** Puts our changes on top of what somebody else wrote, until it is written. */
  async #merge(batch: readonly Waiting[]): Promise<void> {
    while (!this.#removed) {
      await this.#adopt(batch)
      const version = await this.#store.put(this.#key, encodeRecord(this.record), this.#version)
      if (version === undefined) continue
      this.#version = version
      return
    }
  }

  /** Somebody else wrote: theirs holds, with our changes that are not durable put on top. */
  async #adopt(batch: readonly Waiting[]): Promise<void> {
    const stored = await this.#store.get(this.#key)
    this.#version = stored?.version ?? 'absent'
    const decoded = stored === undefined ? undefined : decodeRecord(stored.value)
    if (decoded === undefined || 'problem' in decoded) return
    const theirs = decoded.value
    const { record } = this
    const mine = new Map(record.open)
    record.open.clear()
    for (const [slot, open] of theirs.open) record.open.set(slot, open)
    record.runs = theirs.runs
    const changes = [...batch, ...this.#waiting]
    for (const slot of changes.flatMap(({ claimed }) => claimed)) {
      const open = mine.get(slot)
      if (slot <= theirs.cursor) (this.#lost ??= new Set()).add(slot)
      else {
        record.runs += 1
        if (open !== undefined) record.open.set(slot, open)
      }
    }
    for (const slot of changes.flatMap(({ settled }) => settled)) record.open.delete(slot)
    record.cursor = Math.max(theirs.cursor, record.cursor)
  }
}
