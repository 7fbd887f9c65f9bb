interface Entry<K> {
  readonly key: K
  at: number
  index: number
}

/** A binary heap of keys by time, in which a key can be moved and removed. */
export class MinHeap<K> {
  readonly #entries: Entry<K>[] = []
  readonly #byKey = new Map<K, Entry<K>>()

  get size(): number {
    return this.#entries.length
  }

  /** The least time. */
  peek(): number | undefined {
    return this.#entries[0]?.at
  }

  set(key: K, at: number): void {
    const known = this.#byKey.get(key)
    const entry = known ?? { key, at, index: this.#entries.length }
    if (known === undefined) {
      this.#entries.push(entry)
      this.#byKey.set(key, entry)
    }
    entry.at = at
    this.#up(entry)
    this.#down(entry)
  }

  delete(key: K): void {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return
    this.#byKey.delete(key)
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    this.#place(last, entry.index)
    this.#up(last)
    this.#down(last)
  }

  /** Removes and answers the key with the least time. */
  pop(): K | undefined {
    const first = this.#entries[0]
    if (first === undefined) return undefined
    this.delete(first.key)
    return first.key
  }

  #place(entry: Entry<K>, index: number): void {
    this.#entries[index] = entry
    entry.index = index
  }

  #up(entry: Entry<K>): void {
    for (let index = entry.index; index > 0; index = entry.index) {
      const parent = this.#entries[(index - 1) >> 1]
      if (parent === undefined || parent.at <= entry.at) return
      this.#place(entry, parent.index)
      this.#place(parent, index)
    }
  }

  #down(entry: Entry<K>): void {
    for (;;) {
      const left = this.#entries[entry.index * 2 + 1]
      const right = this.#entries[entry.index * 2 + 2]
      const least = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (least === undefined || least.at >= entry.at) return
      const index = entry.index
      this.#place(entry, least.index)
      this.#place(least, index)
    }
  }
}
