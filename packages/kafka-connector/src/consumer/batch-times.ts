/**
 * When the records of a partition were written, as coarsely as batches: the time of a batch's first record stands for all of it.
 * Holds the batches that begin after the oldest unfinished record, and at most two before them.
 */
export class BatchTimes {
  #batches: { readonly seq: number; readonly time: number | undefined }[] = []

  /** Batches that are held. */
  get size(): number {
    return this.#batches.length
  }

  /** A batch whose first record has the number `seq`; every record before number `head` is finished. */
  add(seq: number, time: number | undefined, head: number): void {
    this.#forget(head)
    this.#batches.push({ seq, time })
  }

  /** Epoch milliseconds of the batch of record number `head`; absent when it does not say. */
  at(head: number): number | undefined {
    this.#forget(head)
    return this.#batches[0]?.time
  }

  #forget(head: number): void {
    while ((this.#batches[1]?.seq ?? Infinity) <= head) this.#batches.shift()
  }
}
