import type { Clock, Timer } from '../../contract/clock.ts'
import type { Lease } from '../../contract/state-store.ts'

interface Grant {
  readonly key: string
  readonly fence: number
  readonly ttlMs: number
  readonly controller: AbortController
  until: number
  timer: Timer
}

/** Leases inside one process. Who may have which is decided here; that a fence grows over restarts is the caller's. */
export class LeaseTable {
  readonly #clock: Clock
  readonly #grants = new Map<string, Grant>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Nobody holds the key now. */
  free(key: string): boolean {
    return this.#current(key) === undefined
  }

  /** Exactly this lease is still held. */
  holds(lease: Lease): boolean {
    return this.#current(lease.key)?.fence === lease.fence
  }

  /** The key must be free. */
  grant(key: string, fence: number, ttlMs: number): Lease {
    const controller = new AbortController()
    const grant: Grant = { key, fence, ttlMs, controller, until: this.#clock.monotonic() + ttlMs, timer: this.#expiry(key, fence, ttlMs) }
    this.#grants.set(key, grant)
    return {
      key,
      fence,
      signal: controller.signal,
      renew: () => Promise.resolve(this.#renew(grant)),
      release: () => {
        if (this.#current(key) === grant) this.#end(grant)
        return Promise.resolve()
      },
    }
  }

  /** Ends all leases. */
  close(): void {
    for (const grant of this.#grants.values()) this.#end(grant)
  }

  #current(key: string): Grant | undefined {
    const grant = this.#grants.get(key)
    if (grant === undefined || this.#clock.monotonic() < grant.until) return grant
    // The timer is late.
    this.#end(grant)
    return undefined
  }

  #expiry(key: string, fence: number, ttlMs: number): Timer {
    return this.#clock.after(ttlMs, () => {
      const grant = this.#grants.get(key)
      if (grant?.fence === fence) this.#end(grant)
    })
  }

  #renew(grant: Grant): boolean {
    if (this.#current(grant.key) !== grant) return false
    grant.timer.cancel()
    grant.until = this.#clock.monotonic() + grant.ttlMs
    grant.timer = this.#expiry(grant.key, grant.fence, grant.ttlMs)
    return true
  }

  #end(grant: Grant): void {
    grant.timer.cancel()
    this.#grants.delete(grant.key)
    grant.controller.abort()
  }
}
