import type { ReleaseReason } from '../../contract/delivery.ts'

/** Why an intake is paused. */
export type PauseReason = 'span' | 'queued'

/** No ring: most intakes of a source without a prefix hold one event, and there may be thousands of them. */
const noRing: Uint8Array = new Uint8Array(0)

/** Bounds of one intake. */
export interface IntakeBounds {
  /** Events that are not settled. */
  readonly maxUnsettled: number
  /** Events between the oldest unsettled one and the newest; only where the source's position is a prefix. */
  readonly maxSpan: number | undefined
}

/**
 * What one intake has handed over and not seen settled. Knows the span behind its oldest unsettled event in
 * O(1) amortised: one bit of truth per event in a ring over the order of arrival.
 */
export class Intake {
  readonly name: string
  /** Events are the runtime's own (a spool), not a session's. */
  readonly owned: boolean
  readonly #bounds: IntakeBounds
  #settled: Uint8Array = noRing
  #head = 0
  #tail = 0
  unsettled = 0
  paused: PauseReason | undefined
  /** Ownership is going: no attempt starts, and what is not running is given back for this reason. */
  frozen: ReleaseReason | undefined

  constructor(name: string, owned: boolean, bounds: IntakeBounds) {
    this.name = name
    this.owned = owned
    this.#bounds = bounds
  }

  /** Events from the oldest unsettled one to the newest, both included. 0 where the span is not bounded. */
  get span(): number {
    return this.#tail - this.#head
  }

  /** One more event; returns its place for `leave`. */
  enter(): number {
    this.unsettled += 1
    if (this.#bounds.maxSpan === undefined) return -1
    if (this.span === this.#settled.length) this.#grow()
    const place = this.#tail
    this.#settled[place & (this.#settled.length - 1)] = 0
    this.#tail += 1
    return place
  }

  leave(place: number): void {
    this.unsettled -= 1
    if (place < 0) return
    const mask = this.#settled.length - 1
    this.#settled[place & mask] = 1
    while (this.#head < this.#tail && this.#settled[this.#head & mask] === 1) this.#head += 1
  }

  /** The bound that is reached, if one is. */
  over(): PauseReason | undefined {
    if (this.unsettled >= this.#bounds.maxUnsettled) return 'queued'
    return this.#bounds.maxSpan !== undefined && this.span >= this.#bounds.maxSpan ? 'span' : undefined
  }

  /** Below half of its bounds: it may go on. */
  relaxed(): boolean {
    const { maxUnsettled, maxSpan } = this.#bounds
    return this.unsettled <= maxUnsettled / 2 && (maxSpan === undefined || this.span <= maxSpan / 2)
  }

  #grow(): void {
    const size = Math.max(64, this.#settled.length * 2)
    const bigger = new Uint8Array(size)
    for (let place = this.#head; place < this.#tail; place += 1) {
      bigger[place & (size - 1)] = this.#settled[place & (this.#settled.length - 1)] ?? 0
    }
    this.#settled = bigger
  }
}
