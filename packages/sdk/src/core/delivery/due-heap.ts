/** Something that waits for a moment. The heap keeps its own place in it, so that removal costs O(log n). */
export interface Due {
  /** Monotonic milliseconds. Changed only while not in the heap. */
  dueAt: number
  /** Place in the heap; -1 while outside. Written by the heap alone. */
  heapIndex: number
  /** Among what is due at the same moment, the first pushed is the first out. Written by the heap alone. */
  heapOrder: number
}

const isBefore = (a: Due, b: Due): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.heapOrder < b.heapOrder)

/** Binary min-heap of what is due: push, remove and pop in O(log n), no allocation per item. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = []
  #pushed = 0

  get size(): number {
    return this.#items.length
  }

  /** When the earliest item is due, or `undefined` when nothing waits. */
  get nextAt(): number | undefined {
    return this.#items[0]?.dueAt
  }

  push(item: T): void {
    item.heapOrder = this.#pushed
    this.#pushed += 1
    this.#items.push(item)
    this.#up(this.#items.length - 1, item)
  }

  /** The earliest item that is due at `now`, taken out; `undefined` when none is. */
  popDue(now: number): T | undefined {
    const first = this.#items[0]
    if (first === undefined || first.dueAt > now) return undefined
    this.remove(first)
    return first
  }

  /** Takes the item out; nothing happens when it is not in the heap. */
  remove(item: T): void {
    const index = item.heapIndex
    if (index < 0) return
    item.heapIndex = -1
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    this.#up(index, last)
    this.#down(last.heapIndex, last)
  }

  #up(start: number, item: T): void {
    let index = start
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#items[parentIndex]
      if (parent === undefined || !isBefore(item, parent)) break
      this.#place(index, parent)
      index = parentIndex
    }
    this.#place(index, item)
  }

  #down(start: number, item: T): void {
    let index = start
    for (;;) {
      const left = this.#items[2 * index + 1]
      const right = this.#items[2 * index + 2]
      const smaller = right !== undefined && left !== undefined && isBefore(right, left) ? right : left
      if (smaller === undefined || !isBefore(smaller, item)) break
      const smallerIndex = smaller.heapIndex
      this.#place(index, smaller)
      index = smallerIndex
    }
    this.#place(index, item)
  }

  #place(index: number, item: T): void {
    this.#items[index] = item
    item.heapIndex = index
  }
}
