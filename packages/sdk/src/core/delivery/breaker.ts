import type { BreakerState } from './observer.ts'

/** When a breaker opens and for how long. Decision P3. */
export interface BreakerOptions {
  /** Failed attempts in a row. @default 5 */
  readonly threshold: number
  /** Monotonic milliseconds until the first probe, and between probes. @default 30000 */
  readonly openMs: number
  /** Called after each change of state with a sentence that says why. */
  readonly onChange?: (state: BreakerState, why: string) => void
}

const windowSize = 20

/**
 * Opens after `threshold` failures in a row, or when half of the last 20 attempts failed with at least `threshold`
 * distinct events among them. While open nothing is let through; after `openMs` one probe is.
 * A success closes it. Pure: time is passed in.
 */
export class Breaker {
  readonly #options: BreakerOptions
  /** The last attempts, made with the first failure: of ten thousand functions most have none. */
  #window: (string | undefined)[] | undefined
  #next = 0
  #row = 0
  #state: BreakerState = 'closed'
  #openUntil = 0
  #probing = false
  #failingSince: number | undefined

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When an open breaker lets a probe through. */
  get openUntil(): number {
    return this.#openUntil
  }

  /** Monotonic time of the first failure since the last success; `undefined` while it succeeds. */
  get failingSince(): number | undefined {
    return this.#failingSince
  }

  /** Whether an attempt may start now. An open breaker whose time has come turns half-open. */
  admits(now: number): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'open' && now >= this.#openUntil) this.#set('half-open', 'its time has come: one probe is sent')
    return this.#state === 'half-open' && !this.#probing
  }

  /** An attempt starts. Returns true when it is a probe. */
  enter(): boolean {
    if (this.#state !== 'half-open') return false
    this.#probing = true
    return true
  }

  success(probe: boolean): void {
    this.#record(undefined)
    this.#row = 0
    this.#failingSince = undefined
    if (probe) this.#probing = false
    if (this.#state === 'closed') return
    // Old failures must not open it again at once.
    this.#window = undefined
    this.#next = 0
    this.#probing = false
    this.#set('closed', 'an attempt succeeded')
  }

  failure(eventId: string, probe: boolean, now: number): void {
    this.#record(eventId)
    this.#row += 1
    this.#failingSince ??= now
    if (probe) this.trip(now, 'the probe failed')
    else if (this.#state === 'closed' && this.#overThreshold())
      this.trip(now, `${this.#row} failures in a row or half of the last ${windowSize}`)
  }

  /** The attempt ended and says nothing. */
  neutral(probe: boolean): void {
    if (probe) this.#probing = false
  }

  /** Opens it now, whatever the count. */
  trip(now: number, why: string): void {
    this.#failingSince ??= now
    this.#openUntil = now + this.#options.openMs
    this.#probing = false
    this.#set('open', why)
  }

  /** There is reason to believe that it works again: the next attempt is a probe. */
  hint(now: number): void {
    if (this.#state === 'open') this.#openUntil = Math.min(this.#openUntil, now)
  }

  #set(state: BreakerState, why: string): void {
    const changed = this.#state !== state
    this.#state = state
    if (changed) this.#options.onChange?.(state, why)
  }

  #record(failed: string | undefined): void {
    if (this.#window === undefined) {
      // Successes before the first failure say nothing: an empty place counts as one.
      if (failed === undefined) return
      this.#window = []
    }
    this.#window[this.#next] = failed
    this.#next = (this.#next + 1) % windowSize
  }

  #overThreshold(): boolean {
    const { threshold } = this.#options
    if (this.#row >= threshold) return true
    const failed = (this.#window ?? []).filter((id) => id !== undefined)
    return failed.length >= windowSize / 2 && new Set(failed).size >= threshold
  }
}
