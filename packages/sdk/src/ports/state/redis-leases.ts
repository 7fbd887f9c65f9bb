import type { Clock, Timer } from '../../contract/clock.ts'
import type { Lease } from '../../contract/state-store.ts'

interface Grant {
  readonly key: string
  readonly token: string
  readonly controller: AbortController
  timer: Timer
  /** Monotonic: a timer may be late. */
  until: number
}

/** What was granted, and when it was asked for: from then on the server counts at the earliest, so it ends here first. */
export interface RedisGrant {
  readonly key: string
  readonly token: string
  readonly fence: number
  readonly ttlMs: number
  readonly askedAt: number
}

export interface RedisLeaseCalls {
  /** False: not held under this token. */
  renew(key: string, token: string, ttlMs: number): Promise<boolean>
  release(key: string, token: string): Promise<void>
}

/** The holder's side of leases that Redis keeps. */
export class RedisLeases {
  readonly #clock: Clock
  readonly #calls: RedisLeaseCalls
  readonly #held = new Map<Lease, Grant>()

  constructor(clock: Clock, calls: RedisLeaseCalls) {
    this.#clock = clock
    this.#calls = calls
  }

  /** The token under which it is held; `undefined` when its time is over or it is not one of these. */
  tokenOf(lease: Lease): string | undefined {
    const grant = this.#held.get(lease)
    if (grant === undefined) return undefined
    if (this.#clock.monotonic() < grant.until) return grant.token
    this.#end(lease, grant)
    return undefined
  }

  grant({ key, token, fence, ttlMs, askedAt }: RedisGrant): Lease {
    const controller = new AbortController()
    const until = askedAt + ttlMs
    const lease: Lease = {
      key,
      fence,
      signal: controller.signal,
      renew: () => this.#renew(lease, ttlMs),
      release: () => this.#release(lease),
    }
    const grant: Grant = { key, token, controller, until, timer: this.#expiry(lease, until) }
    this.#held.set(lease, grant)
    return lease
  }

  /** Ends all, here at once. Resolves when they are given back, as far as that can be done. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((lease) => this.#release(lease)))
  }

  async #renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const token = this.tokenOf(lease)
    const grant = this.#held.get(lease)
    if (token === undefined || grant === undefined) return false
    const askedAt = this.#clock.monotonic()
    const isHeld = await this.#calls.renew(lease.key, token, ttlMs)
    // It may have ended or been given back meanwhile.
    if (this.tokenOf(lease) === undefined) return false
    if (!isHeld) {
      this.#end(lease, grant)
      return false
    }
    grant.until = askedAt + ttlMs
    grant.timer.cancel()
    grant.timer = this.#expiry(lease, grant.until)
    return true
  }

  async #release(lease: Lease): Promise<void> {
    const grant = this.#held.get(lease)
    if (grant === undefined) return
    this.#end(lease, grant)
    // Where it cannot be given back its time ends it.
    await this.#calls.release(grant.key, grant.token).catch(() => undefined)
  }

  #expiry(lease: Lease, until: number): Timer {
    return this.#clock.after(Math.max(0, until - this.#clock.monotonic()), () => {
      const grant = this.#held.get(lease)
      if (grant !== undefined) this.#end(lease, grant)
    })
  }

  #end(lease: Lease, grant: Grant): void {
    grant.timer.cancel()
    this.#held.delete(lease)
    grant.controller.abort()
  }
}
