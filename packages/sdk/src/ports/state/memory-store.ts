import type { Clock } from '../../contract/clock.ts'
import type { Lease, Put, StateStore, Versioned } from '../../contract/state-store.ts'
import { MillraceError } from '../../core/errors.ts'
import { LeaseTable } from './leases.ts'
import { checkLimits } from './limits.ts'
import { bytesOf, storedOf, type StoredEntry } from './records.ts'

/** State that ends with the process: for tests and for sources that need none to survive. */
class MemoryStateStore implements StateStore {
  readonly #values = new Map<string, StoredEntry>()
  readonly #fences = new Map<string, number>()
  readonly #leases: LeaseTable
  #closed = false

  constructor(clock: Clock) {
    this.#leases = new LeaseTable(clock)
  }

  async get(key: string): Promise<Versioned | undefined> {
    this.#check(key)
    const found = this.#values.get(key)
    return found === undefined ? undefined : { value: bytesOf(found.value), version: found.version }
  }

  async put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease): Promise<number | undefined> {
    this.#check(key, value)
    return this.#put(key, value, expected, lease)
  }

  async putMany(puts: readonly Put[]): Promise<readonly (number | undefined)[]> {
    for (const { key, value } of puts) this.#check(key, value)
    return puts.map(({ key, value, expected, lease }) => this.#put(key, value, expected, lease))
  }

  async delete(key: string, expected: number): Promise<boolean> {
    this.#check(key)
    return this.#values.get(key)?.version === expected && this.#values.delete(key)
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#check(prefix)
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix))
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    this.#check(key)
    if (!this.#leases.free(key)) return undefined
    const fence = (this.#fences.get(key) ?? 0) + 1
    this.#fences.set(key, fence)
    return this.#leases.grant(key, fence, ttlMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#leases.close()
  }

  #put(key: string, value: Uint8Array | string, expected: number | 'absent', lease: Lease | undefined): number | undefined {
    const current = this.#values.get(key)?.version ?? 'absent'
    if (current !== expected || (lease !== undefined && !this.#leases.holds(lease))) return undefined
    const version = current === 'absent' ? 1 : current + 1
    this.#values.set(key, { value: storedOf(value), version })
    return version
  }

  #check(key: string, value?: Uint8Array | string): void {
    if (this.#closed) throw new MillraceError('E_STATE_CLOSED')
    checkLimits(key, value)
  }
}

/** A state store in memory. */
export const memoryState = ({ clock }: { readonly clock: Clock }): StateStore => new MemoryStateStore(clock)
