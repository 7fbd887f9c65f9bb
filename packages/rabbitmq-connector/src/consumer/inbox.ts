/** What an inbox asks of its owner. */
export interface InboxHooks<T> {
  /** False: nothing is let through just now. Asked before each item. */
  open(): boolean
  emit(item: T): void
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

  constructor(hooks: InboxHooks<T>) {
    this.#hooks = hooks
  }

  get size(): number {
    return this.#waiting.length
  }

  /** @param repeat whether it was handled before; must not reject */
  push(item: T, repeat: boolean | Promise<boolean> = false): void {
    if (repeat === false && this.#waiting.length === 0 && !this.#pumping && this.#hooks.open()) {
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

  /** Lets through what may go. Call it when `open()` has become true. */
  pump(): void {
    // Whoever is handed an item may pause, resume or acknowledge in the same breath.
    if (this.#pumping) return
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

  /** Forgets everything: its channel is gone, and all of it comes again. */
  clear(): void {
    this.#waiting = []
  }
}
