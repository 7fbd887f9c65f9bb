/** The newest marks, each until its time is over. Bounded: the oldest goes for a new one. */
export class RecentMarks {
  readonly #until = new Map<string, number>()
  readonly #max: number

  /** @param max 0 keeps none */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#until.size
  }

  /** @param until epoch milliseconds */
  add(key: string, until: number): void {
    if (this.#max === 0) return
    this.#until.delete(key)
    if (this.#until.size >= this.#max) {
      const oldest = this.#until.keys().next()
      if (oldest.done !== true) this.#until.delete(oldest.value)
    }
    this.#until.set(key, until)
  }

  has(key: string, now: number): boolean {
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (now < until) return true
    this.#until.delete(key)
    return false
  }
}
