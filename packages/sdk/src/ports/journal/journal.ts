import { mkdir, rm, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Logger } from '../../contract/logger.ts'
import { MillraceError } from '../../core/errors.ts'
import { ioError, realDisk, syncDirectory, type Disk } from './disk.ts'
import { LineWriter } from './frame.ts'
import { lockDirectory, type DirectoryLock, type LockOptions } from './lock.ts'
import { journalHeader, recover, type FoundSegment, type JournalKind, type RecoveryOptions } from './recover.ts'
import { scanSegment, segmentName, type JournalPosition } from './segment.ts'

export type { FoundRecord, FoundSegment, JournalKind } from './recover.ts'
export type { JournalPosition } from './segment.ts'

export interface JournalOptions {
  /** Created when absent. One process writes it at a time. */
  readonly directory: string
  readonly kind: JournalKind
  /** A file that has reached this many bytes is followed by a new one. @default 64 MiB */
  readonly maxSegmentBytes?: number | undefined
  /** @default 256 MiB */
  readonly maxRecordBytes?: number | undefined
  /** Bytes that wait for the disk; above it appends reject with `E_JOURNAL_BUSY`. @default 64 MiB */
  readonly maxPendingBytes?: number | undefined
  readonly corruption: RecoveryOptions['corruption']
  readonly onRecord?: RecoveryOptions['onRecord']
  readonly logger?: Logger | undefined
  readonly lock?: LockOptions | undefined
  /** @default the real one */
  readonly disk?: Disk | undefined
  /** The directory is already locked by the caller, who also releases it. */
  readonly held?: DirectoryLock
  readonly from?: number | undefined
}

const MIB = 1 << 20
/** One write: large enough to share a sync, small enough to bound the copy. */
const MAX_BATCH = 8 * MIB
const BLOCK = 4096

type Payload = Buffer | string

interface Append {
  readonly kind: 'record'
  readonly payloads: readonly Payload[]
  /** Of all payloads. */
  readonly bytes: number
  readonly committed: ((position: JournalPosition) => void) | undefined
  readonly done: (position: JournalPosition) => void
  readonly failed: (error: unknown) => void
}
interface Rotate {
  readonly kind: 'rotate'
  readonly done: (segment: number) => void
  readonly failed: (error: unknown) => void
}

interface Current {
  readonly segment: number
  file: FileHandle
  /** Bytes that a successful sync covers. */
  durable: number
  /** A write or a sync failed: what lies behind `durable` is unknown. */
  suspect?: 'write' | 'sync'
}

const turn = (): Promise<void> => new Promise((done) => void setImmediate(done))

/**
 * An append-only log of one-line records in numbered files. Appends that come while the disk is busy, and all of one
 * turn of the event loop, share one write and one sync.
 */
export class Journal {
  readonly directory: string
  readonly #options: JournalOptions
  readonly #disk: Disk
  readonly #lock: DirectoryLock
  readonly #sealed: Map<number, number>
  readonly #limits: { readonly segment: number; readonly record: number; readonly pending: number }
  #current: Current | undefined
  #next: number
  #queue: (Append | Rotate)[] = []
  #pendingBytes = 0
  #running: Promise<void> | undefined
  #closed = false

  private constructor(options: JournalOptions, lock: DirectoryLock, segments: readonly FoundSegment[], next: number) {
    this.directory = options.directory
    this.#options = options
    this.#disk = options.disk ?? realDisk
    this.#lock = lock
    this.#sealed = new Map(segments.map(({ segment, size }) => [segment, size]))
    this.#next = next
    this.#limits = {
      segment: options.maxSegmentBytes ?? 64 * MIB,
      record: options.maxRecordBytes ?? 256 * MIB,
      pending: options.maxPendingBytes ?? 64 * MIB,
    }
  }

  /**
   * Locks the directory, recovers it, and hands every record to `onRecord` in order.
   *
   * @throws MillraceError `E_JOURNAL_LOCKED`, `E_JOURNAL_IO`, `E_JOURNAL_FORMAT`; `E_JOURNAL_CORRUPT` with `corruption: 'refuse'`.
   */
  static async open(given: JournalOptions): Promise<Journal> {
    const options = { ...given, directory: resolve(given.directory) }
    const { directory } = options
    let lock = options.held
    try {
      await mkdir(directory, { recursive: true, mode: 0o750 })
      lock ??= await lockDirectory(directory, options.lock)
      const found = await recover({ ...options, maxRecordBytes: options.maxRecordBytes ?? 256 * MIB })
      const last = found.appendable ? found.segments.at(-1) : undefined
      const sealed = found.segments.filter((segment) => segment !== last)
      const journal = new Journal(options, lock, sealed, Math.max(found.highest + 1, options.from ?? 1))
      if (last !== undefined) {
        const file = await journal.#disk.open(`${directory}/${segmentName(last.segment)}`)
        // A killed process may have written without syncing; what was just read must stay.
        await file.sync()
        journal.#current = { segment: last.segment, file, durable: last.size }
      }
      await syncDirectory(directory)
      return journal
    } catch (error) {
      if (options.held === undefined) await lock?.release()
      throw ioError('open', directory, error)
    }
  }

  /**
   * Resolves when the record is durable.
   *
   * @param record one line: no line feed in it
   * @param committed called in the order of the records, in the same turn as all others of the same sync, before the promise resolves
   * @throws MillraceError `E_JOURNAL_IO`, `E_JOURNAL_BUSY`, `E_JOURNAL_RECORD`, `E_JOURNAL_CLOSED`, `E_JOURNAL_LOCK_LOST`
   */
  append(record: Uint8Array | string, committed?: (position: JournalPosition) => void): Promise<JournalPosition> {
    const payload = typeof record === 'string' ? record : Buffer.from(record.buffer, record.byteOffset, record.byteLength)
    return this.#append([payload], committed)
  }

  /** Several records in a row, at least one, with one promise for all: they share a write and a sync. Resolves with the place of the first. */
  appendAll(records: readonly string[], committed?: () => void): Promise<JournalPosition> {
    return this.#append(records, committed)
  }

  /** Ends the current file. `boundary` is called with the number of the next one, after all earlier records and before all later ones. */
  rotate(boundary: (next: number) => void): Promise<number> {
    if (this.#closed) return Promise.reject(new MillraceError('E_JOURNAL_CLOSED', { directory: this.directory }))
    return new Promise((resolvePromise, failed) => {
      const done = (segment: number): void => {
        boundary(segment)
        resolvePromise(segment)
      }
      this.#enqueue({ kind: 'rotate', done, failed })
    })
  }

  /** Files that are written no more, oldest first. */
  sealed(): readonly FoundSegment[] {
    return [...this.#sealed].map(([segment, size]) => ({ segment, size })).toSorted((a, b) => a.segment - b.segment)
  }

  /** Bytes of all files. */
  get bytes(): number {
    let total = this.#current?.durable ?? 0
    for (const size of this.#sealed.values()) total += size
    return total
  }

  get segments(): number {
    return this.#sealed.size + (this.#current === undefined ? 0 : 1)
  }

  path(segment: number): string {
    return `${this.directory}/${segmentName(segment)}`
  }

  /** Deletes a sealed file. */
  async remove(segment: number): Promise<void> {
    if (!this.#sealed.has(segment))
      throw new MillraceError('E_INTERNAL_STATE', { what: `segment ${segment} of ${this.directory} is not sealed` })
    try {
      await rm(this.path(segment), { force: true })
      this.#sealed.delete(segment)
      await syncDirectory(this.directory)
    } catch (error) {
      throw ioError('remove', this.path(segment), error)
    }
  }

  /** Writes what waits, then gives the directory free. Appends after it reject. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running
    await this.#current?.file.close()
    if (this.#options.held === undefined) await this.#lock.release()
  }

  #append(payloads: readonly Payload[], committed: Append['committed']): Promise<JournalPosition> {
    const { directory } = this
    if (this.#closed) return Promise.reject(new MillraceError('E_JOURNAL_CLOSED', { directory }))
    const limit = this.#limits.record
    let bytes = 0
    for (const payload of payloads) {
      const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length
      const reason = size > limit ? `at most ${limit} are allowed` : payload.includes('\n') ? 'it holds a line feed' : undefined
      if (reason !== undefined) return Promise.reject(new MillraceError('E_JOURNAL_RECORD', { directory, size, limit, reason }))
      bytes += size
    }
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#limits.pending) {
      return Promise.reject(new MillraceError('E_JOURNAL_BUSY', { directory, limit: this.#limits.pending }))
    }
    this.#pendingBytes += bytes
    return new Promise((done, failed) => this.#enqueue({ kind: 'record', payloads, bytes, committed, done, failed }))
  }

  #enqueue(item: Append | Rotate): void {
    this.#queue.push(item)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    await turn()
    let at = 0
    while (at < this.#queue.length) {
      const head = this.#queue[at] as Append | Rotate
      if (head.kind === 'rotate') {
        at++
        await this.#seal()
          .then(() => head.done(this.#current?.segment ?? this.#next))
          .catch(head.failed)
      } else {
        const batch = this.#batch(at)
        at += batch.length
        await this.#commit(batch)
      }
      if (at === this.#queue.length || at > 4096) {
        this.#queue = this.#queue.slice(at)
        at = 0
      }
    }
    // In the same turn as the last look at the queue: whoever appends next starts a new run.
    this.#running = undefined
  }

  #batch(from: number): Append[] {
    const batch: Append[] = []
    let bytes = 0
    for (let at = from; at < this.#queue.length; at++) {
      const item = this.#queue[at] as Append | Rotate
      if (item.kind !== 'record' || (batch.length > 0 && bytes + item.bytes > MAX_BATCH)) break
      bytes += item.bytes
      batch.push(item)
    }
    return batch
  }

  async #commit(batch: readonly Append[]): Promise<void> {
    try {
      const positions = await this.#write(batch)
      for (const [index, item] of batch.entries()) item.committed?.(positions[index] as JournalPosition)
      for (const [index, item] of batch.entries()) item.done(positions[index] as JournalPosition)
    } catch (error) {
      const told = ioError('write', this.#current === undefined ? this.directory : this.path(this.#current.segment), error)
      for (const item of batch) item.failed(told)
    } finally {
      for (const item of batch) this.#pendingBytes -= item.bytes
    }
  }

  async #write(batch: readonly Append[]): Promise<JournalPosition[]> {
    if (!this.#lock.held())
      throw new MillraceError('E_JOURNAL_LOCK_LOST', { directory: this.directory, staleMs: (this.#options.lock?.heartbeatMs ?? 2000) * 5 })
    if (this.#current?.suspect !== undefined) await this.#repair(this.#current)
    if (this.#current !== undefined && this.#current.durable >= this.#limits.segment) await this.#seal()
    this.#current ??= await this.#create()
    const current = this.#current
    const { bytes, offsets } = this.#frames(batch, current)
    try {
      await this.#disk.write(current.file, bytes, current.durable)
    } catch (error) {
      current.suspect = 'write'
      throw error
    }
    try {
      await this.#disk.sync(current.file)
    } catch (error) {
      current.suspect = 'sync'
      throw error
    }
    current.durable += bytes.length
    return offsets.map((offset) => ({ segment: current.segment, offset }))
  }

  #frames(batch: readonly Append[], { durable }: Current): { readonly bytes: Buffer; readonly offsets: readonly number[] } {
    const lines = new LineWriter(durable)
    let at = durable
    if (durable === 0) {
      const header = journalHeader(this.#options.kind)
      lines.add(header)
      at += header.length + lines.overhead
    }
    const offsets: number[] = []
    for (const { payloads, bytes } of batch) {
      offsets.push(at)
      for (const payload of payloads) lines.add(payload)
      at += bytes + payloads.length * lines.overhead
    }
    return { bytes: lines.take(), offsets }
  }

  async #create(): Promise<Current> {
    const segment = this.#next
    const file = await this.#disk.open(this.path(segment))
    try {
      const { size } = await file.stat()
      if (size > 0) throw new MillraceError('E_INTERNAL_STATE', { what: `${this.path(segment)} appeared while the directory was locked` })
      await syncDirectory(this.directory)
    } catch (error) {
      await file.close()
      throw error
    }
    this.#next++
    return { segment, file, durable: 0 }
  }

  async #seal(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    if (current.suspect !== undefined) await this.#repair(current)
    if (this.#current !== current || current.durable === 0) return
    this.#current = undefined
    this.#sealed.set(current.segment, current.durable)
    await current.file.close()
  }

  /**
   * After a failed write or sync: back to what was durable. The page cache of a failed sync cannot be trusted (the
   * kernel marks the pages clean), so the last block is written again, the file is read again, and no more is added to it.
   */
  async #repair(current: Current): Promise<void> {
    const path = this.path(current.segment)
    await current.file.close().catch(() => undefined)
    current.file = await this.#disk.open(path)
    await current.file.truncate(current.durable)
    if (current.suspect === 'sync' && current.durable > 0) {
      const start = current.durable - (current.durable % BLOCK || Math.min(BLOCK, current.durable))
      const block = Buffer.alloc(current.durable - start)
      await current.file.read(block, 0, block.length, start)
      await this.#disk.write(current.file, block, start)
    }
    await this.#disk.sync(current.file)
    for await (const lines of scanSegment(path, this.#limits.record)) {
      const bad = lines.find((line) => line.frame === undefined)
      if (bad !== undefined)
        throw new MillraceError('E_JOURNAL_IO', { operation: 'read back', path, reason: `byte ${bad.offset} is damaged` })
    }
    const after = current.suspect
    delete current.suspect
    if (after === 'sync') await this.#seal()
  }
}
