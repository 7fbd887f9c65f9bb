import type { Clock } from '../../contract/clock.ts'
import type { Lease, Put, StateStore, Versioned } from '../../contract/state-store.ts'
import { MillraceError } from '../../core/errors.ts'
import { LeaseTable } from './leases.ts'
import { boundedTtl, checkLimits, checkTotal } from './limits.ts'
import { bytesOf, storedOf } from './records.ts'
import { StateTable } from './state-table.ts'

export interface MemoryStateOptions {
  readonly clock: Clock
  /** Bytes of all keys and values; a put above it throws `E_STATE_LIMIT`. @default 256 MiB */
  readonly maxBytes?: number | undefined
}

/** State that ends with the process: for tests and for sources that need none to survive. */
class MemoryStateStore implements StateStore {
  readonly #table = new StateTable()
  readonly #leases: LeaseTable
  readonly #clock: Clock
  readonly #maxBytes: number
  #closed = false

  constructor({ clock, maxBytes = 256 << 20 }: MemoryStateOptions) {
    this.#leases = new LeaseTable(clock)
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  async get(key: string): Promise<Versioned | undefined> {
    this.#check(key)
    const found = this.#table.get(key, this.#clock.now())
    return found === undefined ? undefined : { value: bytesOf(found.value), version: found.version }
  }

  async put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease, ttlMs?: number): Promise<number | undefined> {
    this.#check(key, value)
    return this.#put(key, value, expected, lease, ttlMs)
  }

  async putMany(puts: readonly Put[]): Promise<readonly (number | undefined)[]> {
    for (const { key, value } of puts) this.#check(key, value)
    return puts.map(({ key, value, expected, lease, ttlMs }) => this.#put(key, value, expected, lease, ttlMs))
  }

  async delete(key: string, expected: number): Promise<boolean> {
    this.#check(key)
    if (this.#table.get(key, this.#clock.now())?.version !== expected) return false
    this.#table.apply({ kind: 'delete', key })
    return true
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#check(prefix)
    return this.#table.keys(prefix, this.#clock.now())
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    this.#check(key)
    if (!this.#leases.free(key)) return undefined
    const fence = (this.#table.fences.get(key) ?? 0) + 1
    this.#table.apply({ kind: 'fence', key, fence })
    return this.#leases.grant(key, fence, ttlMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#leases.close()
  }

  #put(
    key: string,
    value: Uint8Array | string,
    expected: number | 'absent',
    lease: Lease | undefined,
    ttlMs: number | undefined,
  ): number | undefined {
    const now = this.#clock.now()
    this.#table.sweep(now)
    const old = this.#table.get(key, now)
    const current = old?.version ?? 'absent'
    if (current !== expected || (lease !== undefined && !this.#leases.holds(lease))) return undefined
    const version = current === 'absent' ? 1 : current + 1
    const stored = storedOf(value)
    checkTotal(this.#table.bytes + key.length + stored.length - (old?.value.length ?? 0), this.#maxBytes, ttlMs === undefined)
    const entry = { value: stored, version, ...(ttlMs !== undefined && { expiresAt: now + boundedTtl(ttlMs) }) }
    this.#table.apply({ kind: 'put', key, entry })
    return version
  }

  #check(key: string, value?: Uint8Array | string): void {
    if (this.#closed) throw new MillraceError('E_STATE_CLOSED')
    checkLimits(key, value)
  }
}

/** A state store in memory. */
export const memoryState = (options: MemoryStateOptions): StateStore => new MemoryStateStore(options)
