import type { Clock, Timer } from '../contract/clock.ts'

/** What `LoopWatch` takes. */
export interface LoopWatchOptions {
  readonly clock: Clock
  /** Between two heartbeats. @default 1000 */
  readonly everyMs?: number
  /** A heartbeat that is later than this means a blocked event loop. @default 20000 */
  readonly limitMs?: number
  /** How long after such a heartbeat the report stays. @default 60000 */
  readonly rememberMs?: number
}

/**
 * Notices a blocked event loop (T6) by heartbeats that come late. While the loop is blocked nothing can answer, so the
 * report must outlive the block: a probe that comes afterwards still sees it for `rememberMs`.
 */
export class LoopWatch {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #limitMs: number
  readonly #rememberMs: number
  #timer: Timer | undefined
  #dueAt = 0
  #lagMs = 0
  #blockedAt: number | undefined

  constructor(options: LoopWatchOptions) {
    this.#clock = options.clock
    this.#everyMs = options.everyMs ?? 1000
    this.#limitMs = options.limitMs ?? 20_000
    this.#rememberMs = options.rememberMs ?? 60_000
  }

  start(): void {
    if (this.#timer === undefined) this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** How late the last heartbeat was, or the one that is due now already is. Milliseconds. */
  get lagMs(): number {
    return this.#timer === undefined ? 0 : Math.max(this.#lagMs, this.#overdueMs())
  }

  /** False while, and for a while after, the loop was blocked longer than the limit. */
  get live(): boolean {
    if (this.#timer === undefined) return true
    if (this.#overdueMs() > this.#limitMs) return false
    return this.#blockedAt === undefined || this.#clock.monotonic() - this.#blockedAt > this.#rememberMs
  }

  #overdueMs(): number {
    return this.#clock.monotonic() - this.#dueAt
  }

  #schedule(): void {
    this.#dueAt = this.#clock.monotonic() + this.#everyMs
    this.#timer = this.#clock.after(this.#everyMs, () => this.#beat())
  }

  #beat(): void {
    this.#lagMs = Math.max(0, this.#overdueMs())
    if (this.#lagMs > this.#limitMs) this.#blockedAt = this.#clock.monotonic()
    this.#schedule()
  }
}
