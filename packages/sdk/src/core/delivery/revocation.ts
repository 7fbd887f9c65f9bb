import type { Clock } from '../../contract/clock.ts'
import type { Intake } from './intake.ts'

interface Waiting {
  readonly intakes: readonly Intake[]
  readonly resolve: () => void
}

/** Waits until frozen intakes have nothing left that is open, or the drain deadline has passed. */
export class Revocation {
  readonly #clock: Clock
  readonly #waiting = new Set<Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An event has left: somebody may have waited for it. */
  left(): void {
    for (const waiting of this.#waiting) if (isEmpty(waiting.intakes)) waiting.resolve()
  }

  settled(intakes: readonly Intake[], drainMs: number): Promise<void> {
    if (drainMs <= 0 || isEmpty(intakes)) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.#clock.after(drainMs, () => waiting.resolve())
      const waiting: Waiting = {
        intakes,
        resolve: () => {
          timer.cancel()
          this.#waiting.delete(waiting)
          resolve()
        },
      }
      this.#waiting.add(waiting)
    })
  }
}

const isEmpty = (intakes: readonly Intake[]): boolean => intakes.every((intake) => intake.unsettled === 0)
