/**
 * A bounded memory of match results: two generations, the older one is dropped whole when the younger is full. It is
 * bounded in entries and in the results that they hold together, so neither a flood of topics nor a wildcard that
 * thousands of functions share makes it grow.
 */
export class MatchCache<T> {
  readonly #maxEntries: number
  readonly #maxResults: number
  #young = new Map<string, readonly T[]>()
  #old = new Map<string, readonly T[]>()
  #results = 0

  /** @param maxEntries entries per generation  @param maxResults results per generation, an entry itself counts as one */
  constructor(maxEntries: number, maxResults: number) {
    this.#maxEntries = maxEntries
    this.#maxResults = maxResults
  }

  /** Entries held. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): readonly T[] | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#old.delete(key)
      this.set(key, old)
    }
    return old
  }

  set(key: string, results: readonly T[]): void {
    const weight = results.length + 1
    if (weight > this.#maxResults) return
    if (this.#young.size >= this.#maxEntries || this.#results + weight > this.#maxResults) {
      this.#old = this.#young
      this.#young = new Map()
      this.#results = 0
    }
    this.#young.set(key, results)
    this.#results += weight
  }
}
