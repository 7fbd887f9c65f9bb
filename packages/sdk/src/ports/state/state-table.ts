import { fenceRecord, putRecord, type StateRecord, type StoredEntry } from './records.ts'

/** Bytes that a record takes beside key and value. */
const OVERHEAD = 64

/** What the store knows: values and the last fence of each leased key. */
export class StateTable {
  readonly values: Map<string, StoredEntry> = new Map()
  readonly fences: Map<string, number> = new Map()
  #bytes = 0

  /** About what a snapshot of it takes. */
  get bytes(): number {
    return this.#bytes
  }

  apply(record: StateRecord): void {
    if (record.kind === 'fence') {
      if (!this.fences.has(record.key)) this.#bytes += record.key.length + OVERHEAD
      this.fences.set(record.key, record.fence)
      return
    }
    const old = this.values.get(record.key)
    if (old !== undefined) this.#bytes -= record.key.length + old.value.length + OVERHEAD
    if (record.kind === 'delete') {
      this.values.delete(record.key)
      return
    }
    this.#bytes += record.key.length + record.entry.value.length + OVERHEAD
    this.values.set(record.key, record.entry)
  }

  /** The records that make this table, as it is now; values are shared and never changed. */
  freeze(): () => Generator<string> {
    const keys = [...this.values.keys()]
    const entries = [...this.values.values()]
    const fences = [...this.fences]
    return function* records() {
      for (const [index, key] of keys.entries()) yield putRecord(key, entries[index] as StoredEntry)
      for (const [key, fence] of fences) yield fenceRecord(key, fence)
    }
  }
}
