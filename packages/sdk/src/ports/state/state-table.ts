import { ExpiryIndex } from './expiry.ts'
import { fenceRecord, isExpired, putRecord, type StateRecord, type StoredEntry } from './records.ts'

/** Bytes that a record takes beside key and value. */
const OVERHEAD = 64

/** What the store knows: values and the last fence of each leased key. */
export class StateTable {
  readonly fences: Map<string, number> = new Map()
  readonly #values: Map<string, StoredEntry> = new Map()
  readonly #expiry = new ExpiryIndex()
  #bytes = 0

  /** About what a snapshot of it takes. */
  get bytes(): number {
    return this.#bytes
  }

  /** What a key holds at `now`, epoch milliseconds. */
  get(key: string, now: number): StoredEntry | undefined {
    const entry = this.#values.get(key)
    return entry === undefined || isExpired(entry, now) ? undefined : entry
  }

  /** Bytes that the key takes, expired or not. */
  bytesOf(key: string): number {
    const entry = this.#values.get(key)
    return entry === undefined ? 0 : key.length + entry.value.length + OVERHEAD
  }

  /** Keys that begin with `prefix` and are there at `now`. */
  keys(prefix: string, now: number): readonly string[] {
    const found: string[] = []
    for (const [key, entry] of this.#values) if (key.startsWith(prefix) && !isExpired(entry, now)) found.push(key)
    return found
  }

  /** Forgets what has expired; nothing needs to be written for that, since each record says when. */
  sweep(now: number): void {
    for (const key of this.#expiry.due(now)) {
      const entry = this.#values.get(key)
      if (entry !== undefined && isExpired(entry, now)) this.apply({ kind: 'delete', key })
    }
  }

  apply(record: StateRecord): void {
    if (record.kind === 'fence') {
      if (!this.fences.has(record.key)) this.#bytes += record.key.length + OVERHEAD
      this.fences.set(record.key, record.fence)
      return
    }
    const old = this.#values.get(record.key)
    this.#bytes -= this.bytesOf(record.key)
    if (old?.expiresAt !== undefined) this.#expiry.remove(record.key, old.expiresAt)
    if (record.kind === 'delete') {
      this.#values.delete(record.key)
      return
    }
    this.#values.set(record.key, record.entry)
    this.#bytes += this.bytesOf(record.key)
    if (record.entry.expiresAt !== undefined) this.#expiry.add(record.key, record.entry.expiresAt)
  }

  /** The records that make this table, as it is now; values are shared and never changed. */
  freeze(): () => Generator<string> {
    const keys = [...this.#values.keys()]
    const entries = [...this.#values.values()]
    const fences = [...this.fences]
    return function* records() {
      for (const [index, key] of keys.entries()) yield putRecord(key, entries[index] as StoredEntry)
      for (const [key, fence] of fences) yield fenceRecord(key, fence)
    }
  }
}
