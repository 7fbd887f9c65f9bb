import type { Clock } from '@millrace/sdk'

/**
 * How long one part of a long batch may hold the event loop, milliseconds. Between two parts every socket that is ready is
 * served, which takes as long again: shorter parts would delay the last schedule of a second more than they help anybody.
 */
const SLICE_MS = 40
/** Steps between two looks at the clock. */
const STEPS = 32

/** Says when a long batch should let sockets have their turn. */
export class TimeSlice {
  readonly #clock: Pick<Clock, 'monotonic'>
  #until: number
  #steps = 0

  /** Begins now. */
  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#until = clock.monotonic() + SLICE_MS
  }

  /** Called once a step: the time of this part is over. */
  get over(): boolean {
    this.#steps += 1
    return this.#steps % STEPS === 0 && this.#clock.monotonic() >= this.#until
  }
}
