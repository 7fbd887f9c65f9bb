/** What an inbox asks of its owner. */
export interface InboxHooks<T> {
  /** False: nothing is let through just now. Asked before each item. */
  open(): boolean
  emit(item: T): void
  /** Where it stands among the others: the smaller comes first. */
  place(item: T): number
  /** It was handled before: nothing is to be done but to acknowledge it. */
  repeat(item: T): void
}

interface Waiting<T> {
  readonly item: T
  /** Absent: not known yet. */
  repeat: boolean | undefined
}

/**
 * What has come and was not handed over yet, in the order of its arrival: it waits while the intake is paused, or until it is known
 * whether it was handled before. It holds what the broker has given unacknowledged and no more: at most the prefetch.
 */
export class Inbox<T> {
  readonly #hooks: InboxHooks<T>
  #waiting: Waiting<T>[] = []
  #pumping = false
  #returned: T[] = []

  constructor(hooks: InboxHooks<T>) {
    this.#hooks = hooks
  }

  get size(): number {
    return this.#waiting.length + this.#returned.length
  }

  /** @param repeat whether it was handled before; must not reject */
  push(item: T, repeat: boolean | Promise<boolean> = false): void {
    if (repeat === false && this.size === 0 && !this.#pumping && this.#hooks.open()) {
      this.#hooks.emit(item)
      return
    }
    const waiting: Waiting<T> = { item, repeat: typeof repeat === 'boolean' ? repeat : undefined }
    this.#waiting.push(waiting)
    if (typeof repeat !== 'boolean') {
      void repeat.then((known) => {
        waiting.repeat = known
        this.pump()
      })
    }
    this.pump()
  }

  /** It was let through, and waits again: before everything that came after it. Call `pump()` for it. */
  putBack(item: T): void {
    this.#returned.push(item)
  }

  /** Lets through what may go. Call it when `open()` has become true. */
  pump(): void {
    // Whoever is handed an item may pause, resume or acknowledge in the same breath.
    if (this.#pumping) return
    this.#takeReturned()
    this.#pumping = true
    try {
      let passed = 0
      for (const { item, repeat } of this.#waiting) {
        if (repeat === undefined || !this.#hooks.open()) break
        passed += 1
        if (repeat) this.#hooks.repeat(item)
        else this.#hooks.emit(item)
      }
      if (passed > 0) this.#waiting = this.#waiting.slice(passed)
    } finally {
      this.#pumping = false
    }
  }

  /** Whatever was let through came before what waits. */
  #takeReturned(): void {
    if (this.#returned.length === 0) return
    const hooks = this.#hooks
    const returned = this.#returned.splice(0).map((item): Waiting<T> => ({ item, repeat: false }))
    this.#waiting = [...returned, ...this.#waiting].toSorted((left, right) => hooks.place(left.item) - hooks.place(right.item))
  }

  /** Forgets everything: its channel is gone, and all of it comes again. */
  clear(): void {
    this.#waiting = []
    this.#returned = []
  }
}
