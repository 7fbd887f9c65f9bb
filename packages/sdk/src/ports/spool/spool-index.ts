/** Where a live event lies. */
export interface Slot {
  readonly seq: number
  segment: number
  offset: number
  /** Bytes of its record. */
  readonly length: number
}

/** The unsettled events of a spool: numbers and places only, no bodies. */
export class SpoolIndex {
  readonly #slots = new Map<number, Slot>()
  readonly #bySegment = new Map<number, Set<Slot>>()
  #bytes = 0

  get count(): number {
    return this.#slots.size
  }

  /** Bytes of the live records. */
  get bytes(): number {
    return this.#bytes
  }

  get(seq: number): Slot | undefined {
    return this.#slots.get(seq)
  }

  /** Adds an event; one that is known moves to the new place (a copy made by compaction). */
  put(seq: number, segment: number, offset: number, length: number): Slot {
    const known = this.#slots.get(seq)
    if (known !== undefined) {
      this.#leave(known)
      known.segment = segment
      known.offset = offset
      this.#enter(known)
      return known
    }
    const slot: Slot = { seq, segment, offset, length }
    this.#slots.set(seq, slot)
    this.#bytes += length
    this.#enter(slot)
    return slot
  }

  delete(seq: number): boolean {
    const slot = this.#slots.get(seq)
    if (slot === undefined) return false
    this.#slots.delete(seq)
    this.#bytes -= slot.length
    this.#leave(slot)
    return true
  }

  /** Live events of one file, in the order of acceptance. */
  inSegment(segment: number): readonly Slot[] {
    return [...(this.#bySegment.get(segment) ?? [])].toSorted((a, b) => a.seq - b.seq)
  }

  countIn(segment: number): number {
    return this.#bySegment.get(segment)?.size ?? 0
  }

  /** All, in the order of acceptance. */
  all(): readonly Slot[] {
    return [...this.#slots.values()].toSorted((a, b) => a.seq - b.seq)
  }

  #enter(slot: Slot): void {
    const set = this.#bySegment.get(slot.segment)
    if (set === undefined) this.#bySegment.set(slot.segment, new Set([slot]))
    else set.add(slot)
  }

  #leave(slot: Slot): void {
    const set = this.#bySegment.get(slot.segment)
    set?.delete(slot)
    if (set?.size === 0) this.#bySegment.delete(slot.segment)
  }
}
