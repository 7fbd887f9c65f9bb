import type { Clock } from '../../contract/clock.ts'
import type { Lease, StateStore, Versioned } from '../../contract/state-store.ts'
import { MillraceError } from '../../core/errors.ts'
import { LeaseTable } from './leases.ts'
import { checkLimits } from './limits.ts'

/** State that ends with the process: for tests and for sources that need none to survive. */
class MemoryStateStore implements StateStore {
  readonly #values = new Map<string, Versioned>()
  readonly #fences = new Map<string, number>()
  readonly #leases: LeaseTable
  #closed = false

  constructor(clock: Clock) {
    this.#leases = new LeaseTable(clock)
  }

  async get(key: string): Promise<Versioned | undefined> {
    this.#check(key)
    const found = this.#values.get(key)
    return found === undefined ? undefined : { value: found.value.slice(), version: found.version }
  }

  async put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease): Promise<number | undefined> {
    this.#check(key, value)
    const current = this.#values.get(key)?.version ?? 'absent'
    if (current !== expected || (lease !== undefined && !this.#leases.holds(lease))) return undefined
    const version = current === 'absent' ? 1 : current + 1
    this.#values.set(key, { value: Uint8Array.from(value), version })
    return version
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

  #check(key: string, value?: Uint8Array): void {
    if (this.#closed) throw new MillraceError('E_STATE_CLOSED')
    checkLimits(key, value)
  }
}

/** A state store in memory. */
export const memoryState = ({ clock }: { readonly clock: Clock }): StateStore => new MemoryStateStore(clock)
