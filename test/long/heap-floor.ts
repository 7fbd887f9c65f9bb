/** Caches fill and code is compiled first; what that takes is no leak. */
const warmUp = 3
/** Fewer say nothing: the collector may leave garbage in the old space for minutes. */
const enough = 24
const mayRise = 8 * 1024 * 1024

const lowest = (values: readonly number[]): number => Math.min(...values)

/**
 * Tells a leak from garbage, by the lowest sizes of the heap: those of the last third against those of the first. Resident memory cannot:
 * the heap of a leak of 60 bytes an event is 10 MiB after half an hour, in pages that the process has had all the time.
 */
export class HeapFloor {
  readonly #lows: number[] = []

  /** @param low bytes: the lowest that was seen in one step */
  add(low: number): void {
    this.#lows.push(low)
  }

  /** By how many bytes the floor has risen, if that is more than it may; never before there are 27 steps. */
  get leaked(): number | undefined {
    const steady = this.#lows.slice(warmUp)
    if (steady.length < enough) return undefined
    const third = Math.floor(steady.length / 3)
    const risen = lowest(steady.slice(-third)) - lowest(steady.slice(0, third))
    return risen > mayRise ? risen : undefined
  }
}
