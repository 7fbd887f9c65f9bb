import type { Clock } from '../../contract/clock.ts'

/** Something with a deadline. `slot` belongs to the wheel. */
export interface Expiring {
  slot: number
  /** The deadline has passed. Never called after `delete`. */
  expired(): void
}

/**
 * Deadlines of many requests on one coarse timer: adding and deleting one costs two set operations, and no timer runs while there is none.
 * A deadline fires at its time or up to the resolution later.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #resolutionMs: number
  readonly #slots = new Map<number, Set<Expiring>>()
  #next = 0
  #running = false

  constructor(clock: Clock, resolutionMs = 20) {
    this.#clock = clock
    this.#resolutionMs = resolutionMs
  }

  /** @param now monotonic milliseconds, which the caller has at hand */
  add(entry: Expiring, now: number, ms: number): void {
    const slot = Math.ceil((now + ms) / this.#resolutionMs)
    entry.slot = slot
    const set = this.#slots.get(slot)
    if (set === undefined) this.#slots.set(slot, new Set([entry]))
    else set.add(entry)
    if (!this.#running) this.#start(now)
  }

  delete(entry: Expiring): void {
    const set = this.#slots.get(entry.slot)
    if (set === undefined) return
    set.delete(entry)
    if (set.size === 0) this.#slots.delete(entry.slot)
  }

  /** Everything that still waits. */
  waiting(): readonly Expiring[] {
    return [...this.#slots.values()].flatMap((set) => [...set])
  }

  #start(now: number): void {
    this.#running = true
    this.#next = Math.floor(now / this.#resolutionMs)
    this.#clock.after(this.#resolutionMs, () => this.#tick())
  }

  #tick(): void {
    const reached = Math.floor(this.#clock.monotonic() / this.#resolutionMs)
    // After a long stall it is shorter to look at what there is than at every slot that has gone by.
    const due =
      reached - this.#next > this.#slots.size
        ? [...this.#slots.keys()].filter((slot) => slot <= reached).sort((a, b) => a - b)
        : this.#range(reached)
    this.#next = reached + 1
    for (const slot of due) {
      const set = this.#slots.get(slot)
      if (set === undefined) continue
      this.#slots.delete(slot)
      for (const entry of set) entry.expired()
    }
    if (this.#slots.size === 0) this.#running = false
    else this.#clock.after(this.#resolutionMs, () => this.#tick())
  }

  #range(reached: number): number[] {
    const slots: number[] = []
    for (let slot = this.#next; slot <= reached; slot += 1) slots.push(slot)
    return slots
  }
}
