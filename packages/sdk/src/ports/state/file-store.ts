import { mkdir, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import type { Logger } from '../../contract/logger.ts'
import type { Lease, Put, StateStore, Versioned } from '../../contract/state-store.ts'
import { describeError, isMillraceError, MillraceError } from '../../core/errors.ts'
import { syncDirectory } from '../journal/disk.ts'
import { Journal } from '../journal/journal.ts'
import { lockDirectory, type DirectoryLock } from '../journal/lock.ts'
import { listSegments, segmentName } from '../journal/segment.ts'
import { LeaseTable } from './leases.ts'
import { boundedTtl, checkLimits, checkTotal } from './limits.ts'
import { bytesOf, deleteRecord, fenceRecord, parseStateRecord, putRecord, storedOf, type StateRecord, type Stored } from './records.ts'
import { readSnapshot, SNAPSHOT, writeSnapshot } from './snapshot.ts'
import { StateTable } from './state-table.ts'

export interface FileStateOptions {
  /** Created when absent. One process uses it at a time. */
  readonly directory: string
  readonly clock: Clock
  readonly logger?: Logger | undefined
  /** Bytes of all keys and values; a put above it throws `E_STATE_LIMIT`. @default 256 MiB */
  readonly maxBytes?: number | undefined
  /** A snapshot is written once the journal is this long and twice as long as the state. @default 16 MiB */
  readonly snapshotAfterBytes?: number | undefined
}

const DEFAULTS = { maxBytes: 256 << 20, snapshotAfterBytes: 16 << 20 }

interface KeptPut {
  readonly key: string
  readonly value: Stored
  readonly expected: number | 'absent'
  readonly lease: Lease | undefined
  readonly ttlMs: number | undefined
}

const stateError = (operation: string, thrown: unknown): MillraceError => {
  if (isMillraceError(thrown) && thrown.code === 'E_JOURNAL_CLOSED') return new MillraceError('E_STATE_CLOSED', {}, thrown)
  if (isMillraceError(thrown) && thrown.code.startsWith('E_STATE_')) return thrown
  return new MillraceError('E_STATE_IO', { operation, reason: describeError(thrown, 400) }, thrown)
}

/** State in a journal and a snapshot; every put is synced before it resolves. */
class FileStateStore implements StateStore {
  readonly #journal: Journal
  readonly #lock: DirectoryLock
  readonly #table: StateTable
  readonly #leases: LeaseTable
  readonly #options: FileStateOptions
  /** The last write of each key that is under way: the next one waits for it, so that a failed write leaves no trace. */
  readonly #busy = new Map<string, Promise<unknown>>()
  /** The same for the leases. */
  readonly #leasing = new Map<string, Promise<unknown>>()
  #snapshotting: Promise<void> | undefined
  #snapshotAt: number
  #closed = false

  constructor(journal: Journal, lock: DirectoryLock, table: StateTable, options: FileStateOptions) {
    this.#journal = journal
    this.#lock = lock
    this.#table = table
    this.#options = options
    this.#leases = new LeaseTable(options.clock)
    this.#snapshotAt = this.#threshold()
  }

  async get(key: string): Promise<Versioned | undefined> {
    this.#check(key)
    const found = this.#table.get(key, this.#options.clock.now())
    return found === undefined ? undefined : { value: bytesOf(found.value), version: found.version }
  }

  async put(key: string, value: Uint8Array, expected: number | 'absent', lease?: Lease, ttlMs?: number): Promise<number | undefined> {
    const [version] = await this.putMany([
      { key, value, expected, ...(lease !== undefined && { lease }), ...(ttlMs !== undefined && { ttlMs }) },
    ])
    return version
  }

  async putMany(puts: readonly Put[]): Promise<readonly (number | undefined)[]> {
    for (const { key, value } of puts) this.#check(key, value)
    this.#table.sweep(this.#options.clock.now())
    const kept = puts.map(({ key, value, expected, lease, ttlMs }): KeptPut => ({ key, value: storedOf(value), expected, lease, ttlMs }))
    const keys = new Set<string>()
    // A key that is busy, also by an earlier put of this call, waits for its turn. Nearly always there is none.
    const waits = kept.map(({ key }) => this.#busy.has(key) || keys.size === keys.add(key).size)
    if (!waits.includes(true)) return this.#putGroup(kept)
    const first = this.#putGroup(kept.filter((_, index) => !(waits[index] ?? false)))
    const later = kept.filter((_, index) => waits[index]).map((put) => this.#exclusive(this.#busy, put.key, () => this.#putNow([put])))
    const [together, ...alone] = await Promise.all([first, ...later])
    let next = 0
    let nextAlone = 0
    return waits.map((waited) => (waited ? alone[nextAlone++]?.[0] : together[next++]))
  }

  async delete(key: string, expected: number): Promise<boolean> {
    this.#check(key)
    return this.#exclusive(this.#busy, key, async () => {
      if (this.#table.get(key, this.#options.clock.now())?.version !== expected) return false
      await this.#write('delete', [deleteRecord(key)], [{ kind: 'delete', key }])
      return true
    })
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#check(prefix)
    return this.#table.keys(prefix, this.#options.clock.now())
  }

  async lease(key: string, ttlMs: number): Promise<Lease | undefined> {
    this.#check(key)
    return this.#exclusive(this.#leasing, key, async () => {
      if (!this.#leases.free(key)) return undefined
      const fence = (this.#table.fences.get(key) ?? 0) + 1
      await this.#write('lease', [fenceRecord(key, fence)], [{ kind: 'fence', key, fence }])
      if (this.#closed) throw new MillraceError('E_STATE_CLOSED')
      return this.#leases.grant(key, fence, ttlMs)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#leases.close()
    await Promise.allSettled([...this.#busy.values(), ...this.#leasing.values()])
    await this.#snapshotting
    await this.#journal.close()
    await this.#lock.release()
  }

  #check(key: string, value?: Uint8Array | string): void {
    if (this.#closed) throw new MillraceError('E_STATE_CLOSED')
    checkLimits(key, value)
  }

  async #exclusive<T>(busy: Map<string, Promise<unknown>>, key: string, run: () => Promise<T>): Promise<T> {
    const before = busy.get(key)
    const turn = before === undefined ? run() : before.then(run, run)
    busy.set(key, turn)
    try {
      return await turn
    } finally {
      if (busy.get(key) === turn) busy.delete(key)
    }
  }

  /** Puts of distinct keys, none of them busy. */
  async #putGroup(puts: readonly KeptPut[]): Promise<readonly (number | undefined)[]> {
    const turn = this.#putNow(puts)
    for (const { key } of puts) this.#busy.set(key, turn)
    try {
      return await turn
    } finally {
      for (const { key } of puts) if (this.#busy.get(key) === turn) this.#busy.delete(key)
    }
  }

  /** The versions that hold once the promise resolves. */
  async #putNow(puts: readonly KeptPut[]): Promise<readonly (number | undefined)[]> {
    const limit = this.#options.maxBytes ?? DEFAULTS.maxBytes
    const now = this.#options.clock.now()
    const versions: (number | undefined)[] = []
    const lines: string[] = []
    const records: StateRecord[] = []
    let size = this.#table.bytes
    for (const { key, value, expected, lease, ttlMs } of puts) {
      const current = this.#table.get(key, now)
      const before = current?.version ?? 'absent'
      const isOurs = before === expected && (lease === undefined || this.#leases.holds(lease))
      const version = !isOurs ? undefined : before === 'absent' ? 1 : before + 1
      versions.push(version)
      if (version === undefined) continue
      size += key.length + value.length - (current?.value.length ?? 0)
      checkTotal(size, limit, ttlMs === undefined)
      const entry = { value, version, ...(ttlMs !== undefined && { expiresAt: now + boundedTtl(ttlMs) }) }
      lines.push(putRecord(key, entry))
      records.push({ kind: 'put', key, entry })
    }
    if (records.length > 0) await this.#write('write', lines, records)
    return versions
  }

  async #write(operation: string, lines: readonly string[], records: readonly StateRecord[]): Promise<void> {
    const apply = (): void => {
      for (const record of records) this.#table.apply(record)
    }
    try {
      await this.#journal.appendAll(lines, apply)
    } catch (error) {
      throw stateError(operation, error)
    }
    this.#maybeSnapshot()
  }

  #threshold(): number {
    return Math.max(this.#options.snapshotAfterBytes ?? DEFAULTS.snapshotAfterBytes, 2 * this.#table.bytes)
  }

  #maybeSnapshot(): void {
    if (this.#snapshotting !== undefined || this.#closed || this.#journal.bytes < this.#snapshotAt) return
    this.#snapshotting = this.#snapshot()
      .then(() => {
        this.#snapshotAt = this.#threshold()
      })
      .catch((error: unknown) => {
        // The journal still holds everything; it only grows.
        this.#snapshotAt = this.#journal.bytes + this.#threshold()
        this.#options.logger?.warn('state: no snapshot could be written; the journal grows until one can', { error: describeError(error) })
      })
      .finally(() => {
        this.#snapshotting = undefined
      })
  }

  async #snapshot(): Promise<void> {
    let records: (() => Generator<string>) | undefined
    const segment = await this.#journal.rotate(() => {
      records = this.#table.freeze()
    })
    await writeSnapshot(this.#journal.directory, records?.() ?? [], segment)
    for (const old of this.#journal.sealed()) if (old.segment < segment) await this.#journal.remove(old.segment)
  }
}

const corrupt = (directory: string, reason: string, cause?: unknown): MillraceError =>
  new MillraceError('E_STATE_CORRUPT', { directory, reason }, cause)

/** A damaged state is refused until a person has looked: also at the second start. */
const refuseLeftovers = async (directory: string): Promise<void> => {
  const { aside } = await listSegments(directory)
  if (aside.length > 0) throw corrupt(directory, `${aside[0]} was set aside at an earlier start`)
}

/** The segments from the snapshot on must be there without a gap; older ones are left over from a crash and go. */
const checkSegments = async (directory: string, from: number): Promise<void> => {
  const { segments } = await listSegments(directory)
  for (const old of segments.filter((segment) => segment < from)) await rm(`${directory}/${segmentName(old)}`, { force: true })
  const rest = segments.filter((segment) => segment >= from)
  const missing = rest.findIndex((segment, index) => segment !== from + index)
  if (missing >= 0) throw corrupt(directory, `${segmentName(from + missing)} is missing`)
}

const load = async (directory: string, table: StateTable): Promise<number> => {
  await refuseLeftovers(directory)
  const apply = (record: StateRecord): void => table.apply(record)
  const snapshot = await readSnapshot(directory, apply)
  if ('damagedAt' in snapshot) {
    const aside = `${SNAPSHOT}.corrupt-1`
    await rename(`${directory}/${SNAPSHOT}`, `${directory}/${aside}`)
    await syncDirectory(directory)
    throw corrupt(directory, `${SNAPSHOT} is damaged at byte ${snapshot.damagedAt}; it was set aside as ${aside}`)
  }
  await checkSegments(directory, snapshot.segment)
  return snapshot.segment
}

/**
 * Opens state in files: a journal of puts and now and then a snapshot of all of them. docs/file-formats.md has the form.
 *
 * Leases hold inside this process; other processes are kept out of the directory altogether.
 *
 * @throws MillraceError `E_JOURNAL_LOCKED` when another process has it, `E_STATE_IO`, and `E_STATE_CORRUPT` when a file is
 *   damaged: it is set aside under another name, and the store stays shut until a person has decided.
 */
export const fileState = async (options: FileStateOptions): Promise<StateStore> => {
  const directory = resolve(options.directory)
  const { logger } = options
  let lock: DirectoryLock | undefined
  try {
    await mkdir(directory, { recursive: true, mode: 0o750 })
    lock = await lockDirectory(directory)
    const table = new StateTable()
    const from = await load(directory, table)
    const onRecord = ({ payload }: { readonly payload: Buffer }): void => table.apply(parseStateRecord(payload))
    const journal = await Journal.open({
      directory,
      kind: 'state',
      corruption: 'refuse',
      held: lock,
      from,
      logger,
      onRecord,
      maxRecordBytes: 8 << 20,
    })
    table.sweep(options.clock.now())
    return new FileStateStore(journal, lock, table, { ...options, directory })
  } catch (error) {
    await lock?.release()
    const told = openError(directory, error)
    if (told.code === 'E_STATE_CORRUPT') logger?.error(told.message, { code: told.code, effect: told.effect, fix: told.fix, directory })
    throw told
  }
}

const openError = (directory: string, error: unknown): MillraceError => {
  if (error instanceof SyntaxError) return corrupt(directory, describeError(error, 200), error)
  if (!isMillraceError(error)) return stateError('open', error)
  if (error.code === 'E_JOURNAL_CORRUPT') return corrupt(directory, error.message, error)
  // A line with a good checksum that says nothing sensible was not written by this release.
  if (error.code === 'E_LETTER_MALFORMED' || error.code === 'E_JOURNAL_FORMAT') return corrupt(directory, error.message, error)
  return error.code === 'E_JOURNAL_LOCKED' ? error : stateError('open', error)
}
