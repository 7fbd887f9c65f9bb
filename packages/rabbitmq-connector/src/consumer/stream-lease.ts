import type { Clock, Lease, StateStore, Timer } from '@millrace/sdk'

/** @see StreamLease */
export interface StreamLeaseOptions {
  readonly key: string
  readonly state: StateStore
  readonly clock: Clock
  /** How long it lasts without being renewed; renewed at a third of it. @default 30000 */
  readonly ttlMs: number
  /** It is somebody else's, or nobody's. */
  readonly onLost: () => void
}

/** The right to read a stream: a stream over AMQP 0-9-1 has no single active consumer, and two readers would both deliver everything. */
export class StreamLease {
  readonly #options: StreamLeaseOptions
  #lease: Lease | undefined
  #timer: Timer | undefined
  #released = false

  constructor(options: StreamLeaseOptions) {
    this.#options = options
  }

  get held(): Lease | undefined {
    return this.#lease?.signal.aborted === false ? this.#lease : undefined
  }

  /** `undefined`: somebody else has it; ask again in `retryMs`. @throws MillraceError `E_STATE_IO` */
  async acquire(): Promise<Lease | undefined> {
    if (this.held !== undefined) return this.held
    const { state, key, ttlMs } = this.#options
    const lease = await state.lease(key, ttlMs)
    if (lease === undefined) return undefined
    if (this.#released) {
      // Nobody would give it back any more, and it would be renewed for ever: no one could read the stream.
      await lease.release().catch(() => {})
      return undefined
    }
    this.#lease = lease
    lease.signal.addEventListener('abort', () => this.#onAbort(lease), { once: true })
    this.#arm(lease)
    return lease
  }

  get retryMs(): number {
    return Math.ceil(this.#options.ttlMs / 3)
  }

  /** For good. Never rejects. */
  async release(): Promise<void> {
    this.#released = true
    const lease = this.#lease
    this.#lease = undefined
    this.#timer?.cancel()
    await lease?.release().catch(() => {})
  }

  #arm(lease: Lease): void {
    this.#timer = this.#options.clock.after(this.retryMs, () => {
      if (this.#lease !== lease || lease.signal.aborted) return
      const again = (): void => {
        if (this.#lease === lease) this.#arm(lease)
      }
      // A refusal aborts the signal; a store that cannot be reached is asked again for as long as the lease lasts.
      lease.renew().then(again, again)
    })
  }

  #onAbort(lease: Lease): void {
    if (this.#lease !== lease) return
    this.#lease = undefined
    this.#timer?.cancel()
    this.#options.onLost()
  }
}
