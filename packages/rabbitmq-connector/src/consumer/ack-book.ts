/** Sends one acknowledgement; `upTo`: for every lower tag as well. */
export type SendAck = (deliveryTag: number, upTo: boolean) => void

/**
 * The delivery tags of one channel, which count from 1: what is finished is acknowledged in as few frames as may be. `upTo` settles every
 * lower tag, so it is used only over a contiguous prefix of which nothing is unfinished; what is finished above that goes tag by tag.
 * O(1) amortised for each message; memory for what is unacknowledged.
 */
export class AckBook {
  readonly #send: SendAck
  readonly #open = new Set<number>()
  /** Finished, and not sent yet. */
  #finished: number[] = []
  /** Every tag below is acknowledged or about to be. */
  #low = 1
  #next = 1

  constructor(send: SendAck) {
    this.#send = send
  }

  /** Neither acknowledged nor given back. */
  get open(): number {
    return this.#open.size
  }

  get waiting(): boolean {
    return this.#finished.length > 0
  }

  arrived(tag: number): void {
    this.#open.add(tag)
    if (tag >= this.#next) this.#next = tag + 1
  }

  /** Returns false for a tag that is not open: it must not reach the broker, which closes the channel over it. */
  finish(tag: number): boolean {
    if (!this.#open.delete(tag)) return false
    this.#finished.push(tag)
    return true
  }

  /** Neither acknowledged nor given back, from the lowest. */
  get openTags(): readonly number[] {
    return [...this.#open].toSorted((left, right) => left - right)
  }

  /** Given back: the prefix may pass over it only once it is off the broker's books, which a nack or reject does at once. */
  forget(tag: number): boolean {
    return this.#open.delete(tag)
  }

  /** Sends what is finished. Returns how many messages and frames that were. */
  flush(): { readonly messages: number; readonly frames: number } {
    const finished = this.#finished
    if (finished.length === 0) return { messages: 0, frames: 0 }
    this.#finished = []
    while (this.#low < this.#next && !this.#open.has(this.#low)) this.#low += 1
    let highest = 0
    let frames = 0
    for (const tag of finished) {
      if (tag < this.#low) highest = Math.max(highest, tag)
      else {
        this.#send(tag, false)
        frames += 1
      }
    }
    if (highest > 0) {
      // A prefix of one needs no `upTo`, and a tag that was sent by itself before must not be named again.
      this.#send(highest, finished.length > 1)
      frames += 1
    }
    return { messages: finished.length, frames }
  }
}
