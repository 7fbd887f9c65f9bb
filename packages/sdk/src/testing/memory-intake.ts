import type { MemoryRecord, StoredRecord } from './memory-record.ts'

/**
 * One partition or queue of a memory log, as the broker sees it. As a stream it has a committed position, as a queue it knows who
 * holds which record; a test uses one of the two.
 */
export interface MemoryIntake {
  readonly length: number
  /** Records that would not come again after a crash now. */
  readonly position: number
  append(record: MemoryRecord): StoredRecord
  read(offset: number): StoredRecord | undefined
  commit(position: number): void
  take(holder: object): StoredRecord | undefined
  ack(offset: number, holder: object): void
  /** A spool source has it. */
  accept(offset: number): void
  giveBack(offset: number, holder: object): void
  giveBackAll(holder: object): void
}

class Intake implements MemoryIntake {
  readonly #complain: (what: string) => void
  readonly #records: StoredRecord[] = []
  readonly #holders = new Map<number, object>()
  /** Given back, lowest last, so that the next one is popped. */
  readonly #returned: number[] = []
  #untaken = 0
  #committed = 0
  #acked = 0

  constructor(complain: (what: string) => void) {
    this.#complain = complain
  }

  get length(): number {
    return this.#records.length
  }

  get position(): number {
    return this.#committed + this.#acked
  }

  append(record: MemoryRecord): StoredRecord {
    const stored = { ...record, offset: this.#records.length }
    this.#records.push(stored)
    return stored
  }

  read(offset: number): StoredRecord | undefined {
    return this.#records[offset]
  }

  commit(position: number): void {
    if (position < this.#committed) this.#complain(`the position moved back from ${this.#committed} to ${position}`)
    else if (position > this.#records.length) this.#complain(`the position ${position} is past the end`)
    else this.#committed = position
  }

  take(holder: object): StoredRecord | undefined {
    const offset = this.#returned.pop() ?? this.#untaken
    const record = this.#records[offset]
    if (record === undefined) return undefined
    if (offset === this.#untaken) this.#untaken++
    this.#holders.set(offset, holder)
    return record
  }

  ack(offset: number, holder: object): void {
    if (!this.#holds('ack', offset, holder)) return
    this.#holders.delete(offset)
    this.#acked++
  }

  accept(_offset: number): void {
    this.#acked++
  }

  giveBack(offset: number, holder: object): void {
    if (!this.#holds('give back', offset, holder)) return
    this.#holders.delete(offset)
    const place = this.#returned.findLastIndex((other) => other > offset)
    this.#returned.splice(place + 1, 0, offset)
  }

  giveBackAll(holder: object): void {
    for (const [offset, by] of this.#holders) if (by === holder) this.giveBack(offset, holder)
  }

  #holds(what: string, offset: number, holder: object): boolean {
    const held = this.#holders.get(offset) === holder
    if (!held) this.#complain(`${what} of ${offset}, which this connection does not hold`)
    return held
  }
}

/** @param complain hears of what a good client does not do */
export const memoryIntake = (complain: (what: string) => void): MemoryIntake => new Intake(complain)
