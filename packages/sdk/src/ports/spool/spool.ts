import type { Clock, Timer } from '../../contract/clock.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import type { Logger } from '../../contract/logger.ts'
import { describeError, isMillraceError, MillraceError } from '../../core/errors.ts'
import { ioError, type Disk } from '../journal/disk.ts'
import { Journal, type FoundRecord } from '../journal/journal.ts'
import { RecordReader } from '../journal/record-reader.ts'
import { acceptedRecord, readAccepted, readRecordHead, settledRecord, type SpoolTerms } from './records.ts'
import { SpoolIndex, type Slot } from './spool-index.ts'

/** One accepted event; hand it back to `settle`. */
export interface SpoolEntry {
  /** Grows with every accepted event. */
  readonly seq: number
}

/** An event that was accepted before and never settled. */
export interface PendingEvent {
  readonly event: MillraceEvent
  readonly intake: string
  /** What its delivery said besides: targets, say. */
  readonly terms: SpoolTerms
  readonly entry: SpoolEntry
}

export interface SpoolStats {
  /** Accepted and not settled, those being written included. */
  readonly events: number
  /** Bytes of their records; about 4/3 of the bodies. */
  readonly bytes: number
  /** Bytes of all files. */
  readonly diskBytes: number
  readonly files: number
}

export interface SpoolOptions {
  /** Created when absent. One process uses it at a time. */
  readonly directory: string
  /** Most unsettled events. @default 100000 */
  readonly maxEvents?: number
  /** Most bytes of unsettled records. The files take at most twice as much and eight segments. @default 1 GiB */
  readonly maxBytes?: number
  /** @default an eighth of `maxBytes`, from 64 KiB to 16 MiB */
  readonly maxSegmentBytes?: number
  readonly clock: Clock
  readonly logger: Logger
  /** What writes; tests make it fail. @default the real one */
  readonly disk?: Disk | undefined
}

/** Events that lie durably here until their functions have them. */
export interface Spool {
  /**
   * Takes an event; resolves when it is durable, with `undefined` when the spool is full.
   *
   * @param terms given back with the event; a delivery will do
   * @throws MillraceError `E_JOURNAL_IO` and the other codes of the journal: nothing was accepted
   */
  accept(event: MillraceEvent, intake: string, terms?: SpoolTerms): Promise<SpoolEntry | undefined>
  /** The event needs no replay any more. Becomes durable a little later: a crash in between replays it. Idempotent. */
  settle(entry: SpoolEntry): void
  /**
   * What was unsettled when the spool was opened, in the order of acceptance, one body in memory at a time. Events
   * settled meanwhile are left out. One that cannot be decoded stays in the files and is logged.
   */
  pending(): AsyncIterable<PendingEvent>
  stats(): SpoolStats
  /** Writes what is settled and gives the directory free. Unsettled events stay for the next open. */
  close(): Promise<void>
}

const SETTLE_DELAY_MS = 20
const RETRY_MS = 1000
const SETTLED_PER_RECORD = 1000
const COPY_BYTES = 4 << 20
const LIMITS = { events: 100_000, bytes: 1 << 30, smallest: 64 << 10, largest: 16 << 20 }

class FileSpool implements Spool {
  readonly #journal: Journal
  readonly #index: SpoolIndex
  readonly #options: SpoolOptions
  readonly #limits: { readonly events: number; readonly bytes: number; readonly segment: number }
  /** Unsettled at open. */
  readonly #backlog: readonly Slot[]
  readonly #writing = { events: 0, bytes: 0 }
  #settled: number[] = []
  #timer: Timer | undefined
  /** The note of settled events that is under way. */
  #noting: Promise<void> | undefined
  /** The last one failed: the next one waits for its time, however much comes on top. */
  #failing = false
  #nextSeq: number
  #cleaning: Promise<void> | undefined
  #cleanAgainAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(
    journal: Journal,
    index: SpoolIndex,
    nextSeq: number,
    options: SpoolOptions,
    limits: { events: number; bytes: number; segment: number },
  ) {
    this.#journal = journal
    this.#index = index
    this.#backlog = index.all()
    this.#nextSeq = nextSeq
    this.#options = options
    this.#limits = limits
    this.#clean()
  }

  async accept(event: MillraceEvent, intake: string, terms: SpoolTerms = {}): Promise<SpoolEntry | undefined> {
    if (this.#index.count + this.#writing.events >= this.#limits.events) return undefined
    // A first, cheap refusal: the record is larger than the body.
    if (this.#index.bytes + this.#writing.bytes + event.data.length > this.#limits.bytes || this.#diskFull()) return undefined
    const seq = this.#nextSeq
    const record = Buffer.from(acceptedRecord(seq, intake, event, terms))
    const length = record.length
    if (this.#index.bytes + this.#writing.bytes + length > this.#limits.bytes) return undefined
    this.#nextSeq++
    this.#writing.events++
    this.#writing.bytes += length
    try {
      await this.#journal.append(record, ({ segment, offset }) => void this.#index.put(seq, segment, offset, length))
    } catch (error) {
      // Too much waits for the disk: full, for now.
      if (isMillraceError(error) && error.code === 'E_JOURNAL_BUSY') return undefined
      throw error
    } finally {
      this.#writing.events--
      this.#writing.bytes -= length
    }
    this.#clean()
    return { seq }
  }

  settle(entry: SpoolEntry): void {
    if (!this.#index.delete(entry.seq)) return
    this.#settled.push(entry.seq)
    if (this.#settled.length >= SETTLED_PER_RECORD && !this.#failing) this.#writeSettled()
    else if (!this.#closed) this.#timer ??= this.#options.clock.after(SETTLE_DELAY_MS, () => this.#writeSettled())
    this.#clean()
  }

  async *pending(): AsyncGenerator<PendingEvent, void> {
    const reader = new RecordReader((segment) => this.#journal.path(segment))
    try {
      for (const slot of this.#backlog) {
        const payload = await this.#read(reader, slot)
        const event = payload === undefined ? undefined : this.#decode(payload, slot)
        if (event !== undefined) yield event
      }
    } catch (error) {
      throw ioError('replay', this.#journal.directory, error)
    } finally {
      await reader.close()
    }
  }

  stats(): SpoolStats {
    return {
      events: this.#index.count + this.#writing.events,
      bytes: this.#index.bytes + this.#writing.bytes,
      diskBytes: this.#journal.bytes,
      files: this.#journal.segments,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#noting
    this.#writeSettled()
    await this.#noting
    await this.#cleaning
    await this.#journal.close()
  }

  /** The record of a live event; `undefined` when it was settled meanwhile. */
  async #read(reader: RecordReader, slot: Slot): Promise<Buffer | 'damaged' | undefined> {
    for (;;) {
      if (this.#index.get(slot.seq) !== slot) return undefined
      const { segment, offset } = slot
      const result = await reader.read(segment, offset, slot.length)
      if (result !== 'gone') return this.#index.get(slot.seq) === slot ? result : undefined
      // Cleaning moved the event between the look and the open: look again. A file that vanished otherwise is an error.
      if (slot.segment === segment)
        throw new MillraceError('E_JOURNAL_IO', { operation: 'read', path: this.#journal.path(segment), reason: 'it is gone' })
    }
  }

  #damaged({ segment, offset }: Slot): MillraceError {
    return new MillraceError('E_JOURNAL_IO', {
      operation: 'read back',
      path: this.#journal.path(segment),
      reason: `byte ${offset} is damaged`,
    })
  }

  #decode(payload: Buffer | 'damaged', slot: Slot): PendingEvent | undefined {
    try {
      if (payload === 'damaged') throw this.#damaged(slot)
      return { ...readAccepted(payload), entry: { seq: slot.seq } }
    } catch (error) {
      this.#options.logger.error('spool: an accepted event cannot be read; it stays in the file', {
        code: isMillraceError(error) ? error.code : undefined,
        error: describeError(error),
        file: this.#journal.path(slot.segment),
        offset: slot.offset,
      })
      return undefined
    }
  }

  #diskFull(): boolean {
    return this.#journal.bytes > 2 * this.#limits.bytes + 8 * this.#limits.segment
  }

  /** One note at a time: what is settled meanwhile goes into the next. */
  #writeSettled(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const seqs = this.#settled
    if (seqs.length === 0 || this.#noting !== undefined) return
    this.#settled = []
    this.#noting = this.#journal.append(settledRecord(seqs)).then(
      () => this.#noted(SETTLE_DELAY_MS),
      (error: unknown) => {
        // Only duplicates after a crash are at stake. Kept for the next time; there are never more than events were accepted.
        this.#settled = [...seqs, ...this.#settled]
        this.#options.logger.warn('spool: settled events could not be noted; a crash now would deliver them again', {
          events: this.#settled.length,
          error: describeError(error),
        })
        this.#noted(RETRY_MS)
      },
    )
  }

  #noted(nextMs: number): void {
    this.#noting = undefined
    this.#failing = nextMs === RETRY_MS
    this.#timer?.cancel()
    const isMore = this.#settled.length > 0 && !this.#closed
    this.#timer = isMore ? this.#options.clock.after(nextMs, () => this.#writeSettled()) : undefined
  }

  #clean(): void {
    if (this.#cleaning !== undefined || this.#closed || !this.#dirty()) return
    if (this.#options.clock.monotonic() < this.#cleanAgainAt) return
    this.#cleaning = this.#cleanAll()
      .catch((error: unknown) => {
        this.#cleanAgainAt = this.#options.clock.monotonic() + RETRY_MS
        this.#options.logger.warn('spool: settled files could not be removed; it is tried again', { error: describeError(error) })
      })
      .finally(() => {
        this.#cleaning = undefined
      })
  }

  /** The oldest file has nothing live in it, or more than half of all files is dead and more than four segments long. */
  #dirty(): boolean {
    const oldest = this.#journal.sealed()[0]
    if (oldest === undefined) return false
    if (this.#index.countIn(oldest.segment) === 0) return true
    return this.#journal.bytes > 2 * this.#index.bytes + 4 * this.#limits.segment
  }

  /**
   * Oldest file first, always: a settled mark lies behind its event, so a mark may go only when every older file is
   * gone. What is still live moves to the end, as in a log-structured file system; each round frees at least half.
   */
  async #cleanAll(): Promise<void> {
    while (this.#dirty() && !this.#closed) {
      const oldest = this.#journal.sealed()[0]
      if (oldest === undefined) return
      if (this.#index.countIn(oldest.segment) > 0) await this.#moveLive(oldest.segment)
      // Something may have failed to move.
      if (this.#index.countIn(oldest.segment) === 0) await this.#journal.remove(oldest.segment)
    }
  }

  async #moveLive(segment: number): Promise<void> {
    const reader = new RecordReader((number) => this.#journal.path(number))
    try {
      let copies: Promise<unknown>[] = []
      let bytes = 0
      for (const slot of this.#index.inSegment(segment)) {
        const payload = await this.#read(reader, slot)
        if (payload === undefined) continue
        if (payload === 'damaged') throw this.#damaged(slot)
        const copy = this.#copy(slot, payload)
        // Awaited below; until then a failure must not count as unhandled.
        copy.catch(() => undefined)
        copies.push(copy)
        bytes += slot.length
        if (bytes < COPY_BYTES) continue
        await Promise.all(copies)
        copies = []
        bytes = 0
      }
      await Promise.all(copies)
    } finally {
      await reader.close()
    }
  }

  #copy(slot: Slot, payload: Buffer): Promise<unknown> {
    return this.#journal.append(payload, ({ segment, offset }) => {
      if (this.#index.get(slot.seq) === slot) this.#index.put(slot.seq, segment, offset, slot.length)
    })
  }
}

/** Builds the index from the records; a mark counts wherever it lies. */
const indexer = (index: SpoolIndex, logger: Logger): { readonly take: (record: FoundRecord) => void; readonly last: () => number } => {
  const settled = new Set<number>()
  let last = 0
  return {
    last: () => last,
    take: ({ segment, offset, length, payload }) => {
      const head = readRecordHead(payload)
      if (head === undefined) {
        logger.error('spool: a record of an unknown kind was passed over', { segment, offset })
      } else if ('accepted' in head) {
        last = Math.max(last, head.accepted)
        if (!settled.has(head.accepted)) index.put(head.accepted, segment, offset, length)
      } else {
        for (const seq of head.settled) {
          last = Math.max(last, seq)
          settled.add(seq)
          index.delete(seq)
        }
      }
    },
  }
}

/**
 * Opens a spool and finds what was not settled. Damaged files get a second name (`.corrupt-N`) and an error in the
 * log; their good records are replayed all the same.
 *
 * @throws MillraceError `E_JOURNAL_LOCKED`, `E_JOURNAL_IO`, `E_JOURNAL_FORMAT`
 */
export const openSpool = async (options: SpoolOptions): Promise<Spool> => {
  const bytes = options.maxBytes ?? LIMITS.bytes
  const segment = options.maxSegmentBytes ?? Math.min(LIMITS.largest, Math.max(LIMITS.smallest, Math.floor(bytes / 8)))
  const index = new SpoolIndex()
  const found = indexer(index, options.logger)
  const journal = await Journal.open({
    directory: options.directory,
    kind: 'spool',
    corruption: 'link',
    maxSegmentBytes: segment,
    onRecord: found.take,
    logger: options.logger,
    disk: options.disk,
  })
  return new FileSpool(journal, index, found.last() + 1, options, { events: options.maxEvents ?? LIMITS.events, bytes, segment })
}
