import { MillraceError } from '../errors.ts'

/** A stretch of offsets, `from` included, `through` not. */
export interface OffsetRun<T extends number | bigint> {
  readonly from: T
  readonly through: T
}

/**
 * Which events of one intake are complete, and how far its position may move.
 *
 * A ring over arrivals, not over offsets, so that gaps (compaction, control records, filters) cost nothing: 9 bytes per
 * event between the oldest incomplete one and the newest, O(1) amortised for each operation, capacity grown by doubling.
 * It holds no events. One window per intake and ownership: after a reassignment begin with a new one.
 */
export interface OffsetWindow<T extends number | bigint> {
  /**
   * Notes the arrival of one event and returns its sequence number, by which it is completed.
   *
   * @param through the offset to go on from once it and everything before is complete, e.g. `offset + 1`
   * @throws MillraceError `E_INTERNAL_STATE` if `offset` is below the last `through`, or `through` not above `offset`, or a number is no safe integer. Nothing has changed then.
   */
  push(offset: T, through: T): number
  /** `push` for a batch; returns the sequence number of its first event, the others follow by one. @throws as `push`; the batch is then not taken at all. */
  ingest(offsets: readonly T[], through: T): number
  /** The broker has been read up to `through` without an event (a batch of control records, all filtered). Never moves back. */
  advance(through: T): void
  /** The event is acknowledged. False if it was already. @throws MillraceError `E_INTERNAL_STATE` for a number that was never given. */
  complete(seq: number): boolean
  /** The offset to commit: that of the oldest incomplete event, or of what comes next if there is none. Absent before the first arrival. Never moves back. */
  readonly commitPoint: T | undefined
  /** Events from the oldest incomplete one to the newest, complete ones between included: what a crash would repeat at most, and the memory in use. */
  readonly span: number
  /** Incomplete events. */
  readonly incomplete: number
  /** The complete events above the commit point, lowest first, at most `limit` runs: O(span). A run also covers the gaps inside and behind it. */
  completedRuns(limit: number): readonly OffsetRun<T>[]
}

/** What `Float64Array` and `BigInt64Array` have in common here. */
interface Ring<T> {
  [index: number]: T
  readonly length: number
}

const fail = (what: string): never => {
  throw new MillraceError('E_INTERNAL_STATE', { what: `offset window: ${what}` })
}

const check = (offset: number | bigint): void => {
  if (typeof offset === 'number' && !Number.isSafeInteger(offset)) fail(`${offset} is no safe integer; use bigOffsetWindow above 2^53`)
}

class RingWindow<T extends number | bigint> implements OffsetWindow<T> {
  readonly #make: (length: number) => Ring<T>
  #offsets: Ring<T>
  #done: Uint8Array
  #mask: number
  /** Arrivals before `head` are complete; `tail` counts arrivals. Both grow for ever: 2^53 arrivals are 285 years at a million a second. */
  #head = 0
  #tail = 0
  #completeAbove = 0
  #through: T | undefined

  constructor(make: (length: number) => Ring<T>, capacity: number) {
    const length = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)))
    this.#make = make
    this.#offsets = make(length)
    this.#done = new Uint8Array(length)
    this.#mask = length - 1
  }

  push(offset: T, through: T): number {
    check(offset)
    check(through)
    if (this.#through !== undefined && offset < this.#through) fail(`the offset ${offset} is below what was read through, ${this.#through}`)
    if (through <= offset) fail(`through ${through} is not above the offset ${offset}`)
    this.#append(offset)
    this.#through = through
    return this.#tail - 1
  }

  ingest(offsets: readonly T[], through: T): number {
    const first = this.#tail
    let last: T | undefined
    for (const offset of offsets) {
      check(offset)
      if (last === undefined ? this.#through !== undefined && offset < this.#through : offset <= last)
        fail(`the offset ${offset} is not above the one before`)
      last = offset
    }
    check(through)
    if (last !== undefined && through <= last) fail(`through ${through} is not above the offset ${last}`)
    for (const offset of offsets) this.#append(offset)
    this.advance(through)
    return first
  }

  advance(through: T): void {
    check(through)
    if (this.#through === undefined || through > this.#through) this.#through = through
  }

  complete(seq: number): boolean {
    if (!Number.isInteger(seq) || seq < 0 || seq >= this.#tail) fail(`no event has the sequence number ${seq}`)
    if (seq < this.#head || this.#done[seq & this.#mask] === 1) return false
    this.#done[seq & this.#mask] = 1
    this.#completeAbove++
    while (this.#head < this.#tail && this.#done[this.#head & this.#mask] === 1) {
      this.#head++
      this.#completeAbove--
    }
    return true
  }

  get commitPoint(): T | undefined {
    return this.#head < this.#tail ? this.#offsets[this.#head & this.#mask] : this.#through
  }

  get span(): number {
    return this.#tail - this.#head
  }

  get incomplete(): number {
    return this.#tail - this.#head - this.#completeAbove
  }

  completedRuns(limit: number): readonly OffsetRun<T>[] {
    const runs: OffsetRun<T>[] = []
    let from: T | undefined
    for (let seq = this.#head, left = this.#completeAbove; runs.length < limit && (left > 0 || from !== undefined); seq++) {
      const done = seq < this.#tail && this.#done[seq & this.#mask] === 1
      if (done) {
        left--
        from ??= this.#offsets[seq & this.#mask]
      } else if (from !== undefined) {
        runs.push({ from, through: (seq < this.#tail ? this.#offsets[seq & this.#mask] : this.#through) as T })
        from = undefined
      }
    }
    return runs
  }

  #append(offset: T): void {
    if (this.#tail - this.#head > this.#mask) this.#grow()
    const slot = this.#tail++ & this.#mask
    this.#offsets[slot] = offset
    this.#done[slot] = 0
  }

  #grow(): void {
    const length = this.#offsets.length * 2
    const offsets = this.#make(length)
    const done = new Uint8Array(length)
    for (let seq = this.#head; seq < this.#tail; seq++) {
      offsets[seq & (length - 1)] = this.#offsets[seq & this.#mask] as T
      done[seq & (length - 1)] = this.#done[seq & this.#mask] as number
    }
    this.#offsets = offsets
    this.#done = done
    this.#mask = length - 1
  }
}

/**
 * A window over offsets that are safe integers (up to 2^53 - 1). Kafka's offsets and RabbitMQ's delivery tags are 64 bits
 * wide, but count from 0: a partition gets there after 285 years at a million events a second.
 *
 * @param capacity events before the first doubling, rounded up to a power of two. @default 1024
 */
export const offsetWindow = (capacity: number = 1024): OffsetWindow<number> =>
  new RingWindow((length) => new Float64Array(length), capacity)

/** A window over signed 64-bit offsets, for positions that do not count from 0. Slower and twice the garbage. @param capacity as for `offsetWindow` */
export const bigOffsetWindow = (capacity: number = 1024): OffsetWindow<bigint> =>
  new RingWindow((length) => new BigInt64Array(length), capacity)
