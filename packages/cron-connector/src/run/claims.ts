import { MillraceError } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import type { DueSlot } from './plan.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import type { ScheduleRecord } from './record.ts'

const keyOf = (id: string): string => `cron:${id}`

/** A change that is not durable yet. */
interface Waiting {
  readonly claimed: readonly number[]
  readonly settled: readonly number[]
  readonly done: (granted: readonly number[]) => void
  readonly failed: (error: unknown) => void
}

/**
 * The claims of one schedule: which slots are taken, which of them are settled.
 *
 * One compare-and-set a change, and changes that come while one is under way go together into the next. This is the seam for
 * several replicas: whoever moves the cursor over a slot has it, and a claim that lost is not granted. Not part of it yet:
 * leases that let another replica take over the open slots of one that died (reference 7).
 *
 * After a rejection nothing is known of the store: the session ends and the record is read again.
 */
export class Claims {
  readonly #store: StateStore
  readonly #key: string
  readonly record: ScheduleRecord
  #version: number | 'absent'
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #removed = false

  private constructor(store: StateStore, key: string, record: ScheduleRecord, version: number | 'absent') {
    this.#store = store
    this.#key = key
    this.record = record
    this.#version = version
  }

  /**
   * Reads the record of a schedule. One that was never seen begins at `now` (epoch seconds); one that cannot be read too, and says so through `unreadable`.
   */
  static async load(store: StateStore, id: string, now: number, unreadable: (error: MillraceError) => void): Promise<Claims> {
    const key = keyOf(id)
    const stored = await store.get(key)
    const fresh = (): ScheduleRecord => ({ cursor: now, open: new Map(), runs: 0, suspended: false })
    if (stored === undefined) return new Claims(store, key, fresh(), 'absent')
    const decoded = decodeRecord(stored.value)
    if ('value' in decoded) return new Claims(store, key, decoded.value, stored.version)
    unreadable(new MillraceError('E_CRON_RECORD', { key, reason: decoded.problem }))
    return new Claims(store, key, fresh(), stored.version)
  }

  /** False: nothing of this schedule was ever stored. */
  get stored(): boolean {
    return this.#version !== 'absent'
  }

  /** Takes slots; resolves, once durable, with those that are ours. */
  claim(due: readonly DueSlot[]): Promise<readonly number[]> {
    for (const { slot, trigger, missed } of due) this.record.open.set(slot, { trigger, missed })
    this.record.cursor = Math.max(this.record.cursor, ...due.map(({ slot }) => slot))
    this.record.runs += due.length
    return this.#change(
      due.map(({ slot }) => slot),
      [],
    )
  }

  /** A claimed slot is over; resolves once durable. */
  async settle(slots: readonly number[]): Promise<void> {
    for (const slot of slots) this.record.open.delete(slot)
    await this.#change([], slots)
  }

  /** Makes the record durable as it stands. */
  async save(): Promise<void> {
    await this.#change([], [])
  }

  /** Forgets the schedule; later changes do nothing. */
  async remove(): Promise<void> {
    this.#removed = true
    await this.#writing?.catch(() => undefined)
    for (let stored = await this.#store.get(this.#key); stored !== undefined; stored = await this.#store.get(this.#key)) {
      if (await this.#store.delete(this.#key, stored.version)) return
    }
  }

  #change(claimed: readonly number[], settled: readonly number[]): Promise<readonly number[]> {
    if (this.#removed) return Promise.resolve([])
    return new Promise((done, failed) => {
      this.#waiting.push({ claimed, settled, done, failed })
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined
      })
    })
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const lost = await this.#put(batch)
        for (const { claimed, done } of batch) done(lost.size === 0 ? claimed : claimed.filter((slot) => !lost.has(slot)))
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
  }

  /** Writes the record; answers the claims that somebody else had before. */
  async #put(batch: readonly Waiting[]): Promise<ReadonlySet<number>> {
    const lost = new Set<number>()
    while (!this.#removed) {
      const version = await this.#store.put(this.#key, encodeRecord(this.record), this.#version)
      if (version !== undefined) {
        this.#version = version
        return lost
      }
      await this.#adopt([...batch, ...this.#waiting], batch, lost)
    }
    return new Set(batch.flatMap(({ claimed }) => claimed))
  }

  /** Somebody else wrote: theirs holds, with our changes that are not durable put on top. */
  async #adopt(changes: readonly Waiting[], batch: readonly Waiting[], lost: Set<number>): Promise<void> {
    const stored = await this.#store.get(this.#key)
    this.#version = stored?.version ?? 'absent'
    const decoded = stored === undefined ? undefined : decodeRecord(stored.value)
    if (decoded === undefined || 'problem' in decoded) return
    const theirs = decoded.value
    const mine = new Map(this.record.open)
    this.record.open.clear()
    for (const [slot, open] of theirs.open) this.record.open.set(slot, open)
    const pending = new Set(changes.flatMap(({ claimed }) => claimed))
    const inBatch = new Set(batch.flatMap(({ claimed }) => claimed))
    for (const slot of pending) {
      const open = mine.get(slot)
      if (slot <= theirs.cursor) {
        if (inBatch.has(slot)) lost.add(slot)
      } else if (open !== undefined) this.record.open.set(slot, open)
    }
    for (const slot of changes.flatMap(({ settled }) => settled)) this.record.open.delete(slot)
    this.record.runs = theirs.runs + [...pending].filter((slot) => slot > theirs.cursor).length
    this.record.cursor = Math.max(theirs.cursor, this.record.cursor)
  }
}
