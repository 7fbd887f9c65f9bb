/** A half of a batch, or of a part of one, that failed as a whole. Only routes of one part share a request. */
export class BatchPart {
  #other: BatchPart | undefined
  #last: 'succeeded' | 'failed' | undefined

  /** Both halves of what failed. */
  static halves(): readonly [BatchPart, BatchPart] {
    const [one, other] = [new BatchPart(), new BatchPart()]
    one.#other = other
    other.#other = one
    return [one, other]
  }

  succeeded(): void {
    this.#last = 'succeeded'
  }

  /**
   * A request of this part failed. True when that says something of the function: the other half failed too, or an event stands alone and
   * its other half has not shown that the function works. Otherwise an event is looked for that is to blame, and the batch as a whole has
   * counted already.
   *
   * @param alone of a single event
   */
  failed(alone: boolean): boolean {
    this.#last = 'failed'
    const other = this.#other === undefined ? undefined : this.#other.#last
    return alone ? other !== 'succeeded' : other === 'failed'
  }
}
