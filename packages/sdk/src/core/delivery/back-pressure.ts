import type { EngineOptions } from './engine-options.ts'
import { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'

type Options = Pick<EngineOptions, 'limits' | 'observer' | 'pause' | 'resume' | 'source'>

/** Knows the intakes and pauses them at their bounds, one by one and all together; they go on at half. */
export class BackPressure {
  readonly #options: Options
  readonly #ledger: Ledger
  readonly #intakes = new Map<string, Intake>()
  #allPaused = false

  constructor(options: Options, ledger: Ledger) {
    this.#options = options
    this.#ledger = ledger
  }

  /** Nothing more should be handed over to this intake just now. */
  full(name: string): boolean {
    return this.#allPaused || this.#intakes.get(name)?.paused !== undefined
  }

  get allPaused(): boolean {
    return this.#allPaused
  }

  get intakes(): ReadonlyMap<string, Intake> {
    return this.#intakes
  }

  intake(name: string, owned: boolean): Intake {
    const known = this.#intakes.get(name)
    if (known !== undefined) return known
    const { limits, source } = this.#options
    const intake = new Intake(name, owned, {
      maxUnsettled: limits.window,
      maxSpan: source.position === 'prefix' && !owned ? limits.window : undefined,
    })
    this.#intakes.set(name, intake)
    return intake
  }

  /** After an event has entered. */
  entered(intake: Intake): void {
    const { limits, observer, pause } = this.#options
    if (intake.paused === undefined) {
      intake.paused = intake.over()
      if (intake.paused !== undefined) {
        pause(intake.name)
        observer.intakePaused?.(intake.name, intake.paused)
      }
    }
    if (this.#allPaused) return
    const bytes = this.#ledger.bytes >= limits.maxBytes
    if (!bytes && this.#ledger.open < limits.maxEvents) return
    this.#allPaused = true
    pause(undefined)
    observer.intakePaused?.(undefined, bytes ? 'bytes' : 'queued')
  }

  /** After an event has left. */
  left(intake: Intake): void {
    const { limits, observer, resume } = this.#options
    if (intake.paused !== undefined && intake.relaxed()) this.#resume(intake)
    if (this.#allPaused && this.#ledger.open <= limits.maxEvents / 2 && this.#ledger.bytes <= limits.maxBytes / 2) {
      this.#allPaused = false
      resume(undefined)
      observer.intakeResumed?.(undefined)
    }
    this.#forgetIdle(intake)
  }

  /** Ownership is gone: the name starts anew, and unpaused, when it is used again. */
  forget(intake: Intake): void {
    if (this.#intakes.get(intake.name) === intake) this.#intakes.delete(intake.name)
    // An acknowledgement may come through later than this; by then the pause under the name is the next owner's.
    if (intake.paused !== undefined) this.#resume(intake)
  }

  /** A new session starts unpaused: what must stay paused is said again. */
  restate(): void {
    if (this.#allPaused) this.#options.pause(undefined)
    for (const intake of this.#intakes.values()) if (intake.paused !== undefined) this.#options.pause(intake.name)
  }

  #resume(intake: Intake): void {
    intake.paused = undefined
    this.#options.resume(intake.name)
    this.#options.observer.intakeResumed?.(intake.name)
  }

  #forgetIdle(intake: Intake): void {
    if (intake.unsettled === 0 && intake.paused === undefined && intake.frozen === undefined) this.forget(intake)
  }
}
