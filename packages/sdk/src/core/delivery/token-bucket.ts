/** Rate limit by tokens: `ratePerSecond` on average, a tenth of a second's worth (at least one) at once. Pure: time is passed in. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #at: number

  constructor(ratePerSecond: number, now: number) {
    this.#perMs = ratePerSecond / 1000
    this.#burst = Math.max(1, ratePerSecond / 10)
    this.#tokens = this.#burst
    this.#at = now
  }

  /** Takes one token if there is one. */
  take(now: number): boolean {
    this.#fill(now)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Monotonic milliseconds when the next token will be there; `now` if one is. */
  readyAt(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? now : now + (1 - this.#tokens) / this.#perMs
  }

  #fill(now: number): void {
    // A hair more than was earned: without it a token due exactly now could be short by a rounding error for ever.
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs + 1e-9)
    this.#at = now
  }
}
