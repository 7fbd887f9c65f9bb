import { copyFile, link, open, rename, stat, writeFile } from 'node:fs/promises'
import type { Logger } from '../../contract/logger.ts'
import { MillraceError } from '../../core/errors.ts'
import { syncDirectory } from './disk.ts'
import { listSegments, scanSegment, segmentName, type JournalPosition } from './segment.ts'

/** What a journal is used for; in the first record of each file. */
export type JournalKind = 'dead-letters' | 'spool' | 'state'

/** Version of the form on disk. */
export const JOURNAL_VERSION = 1

/** A record found at open. `length` counts the payload. */
export interface FoundRecord extends JournalPosition {
  readonly payload: Buffer
  readonly length: number
}

export interface RecoveryOptions {
  readonly directory: string
  readonly kind: JournalKind
  readonly maxRecordBytes: number
  /**
   * What happens to a damaged file. `rename`: it is set aside and no longer read. `link`: it gets a second name and its
   * good records still count. `refuse`: it is set aside and `E_JOURNAL_CORRUPT` is thrown.
   */
  readonly corruption: 'rename' | 'link' | 'refuse'
  /** Called in order for every record; absent: only the last file is checked. */
  readonly onRecord?: ((record: FoundRecord) => void) | undefined
  /** Segments below it are not read. @default 1 */
  readonly from?: number | undefined
  readonly logger?: Logger | undefined
}

/** A segment on disk and its size in bytes. */
export interface FoundSegment {
  readonly segment: number
  readonly size: number
}

export interface Recovered {
  readonly segments: readonly FoundSegment[]
  /** The last file can be written on. */
  readonly appendable: boolean
  /** Highest number ever used. */
  readonly highest: number
}

/** The first record of each file. */
export const journalHeader = (kind: JournalKind): Buffer => Buffer.from(JSON.stringify({ millrace: kind, version: JOURNAL_VERSION }))

interface Verdict {
  readonly size: number
  /** A crash left an unfinished write here: what follows was never durable. */
  readonly cutAt?: number
  readonly damagedAt?: number
}

const checkHeader = (payload: Buffer, file: string, kind: JournalKind): void => {
  if (!payload.equals(journalHeader(kind))) throw new MillraceError('E_JOURNAL_FORMAT', { file, kind, version: JOURNAL_VERSION })
}

/**
 * Tells a torn tail from damage. Each line says up to where the file was durable when it was written; so a bad line
 * is a torn tail only when no later line has seen its place durable, and when it looks like an unfinished write.
 */
const examine = async (path: string, options: RecoveryOptions): Promise<Verdict> => {
  let size = 0
  let firstBad: number | undefined
  let unfinished = true
  let seenDurable = 0
  for await (const lines of scanSegment(path, options.maxRecordBytes)) {
    for (const line of lines) {
      size = line.end
      if (line.frame === undefined) {
        firstBad ??= line.offset
        unfinished &&= line.unfinished
      } else {
        seenDurable = Math.max(seenDurable, line.frame.durable)
        if (line.offset === 0) checkHeader(line.frame.payload, path, options.kind)
      }
    }
  }
  if (firstBad === undefined) return { size }
  return unfinished && seenDurable <= firstBad ? { size, cutAt: firstBad } : { size, damagedAt: firstBad }
}

const cut = async (path: string, at: number, size: number, { logger, directory }: RecoveryOptions): Promise<void> => {
  const file = await open(path, 'r+')
  try {
    const tail = Buffer.alloc(size - at)
    await file.read(tail, 0, tail.length, at)
    // More than one broken line is worth a look; it was never durable, so nothing was promised for it.
    if (tail.includes(10)) {
      await writeFile(`${path}.torn`, tail)
      await syncDirectory(directory)
    }
    await file.truncate(at)
    await file.sync()
  } finally {
    await file.close()
  }
  logger?.warn('journal: an unfinished write at the end was cut; nothing in it had been acknowledged', { file: path, at, bytes: size - at })
}

const setAside = async (segment: number, damagedAt: number, options: RecoveryOptions): Promise<MillraceError> => {
  const { directory, corruption, logger } = options
  const file = `${directory}/${segmentName(segment)}`
  const earlier = (await listSegments(directory)).aside.filter((name) => name.startsWith(segmentName(segment)))
  const mine = await stat(file)
  const linked = await Promise.all(earlier.map(async (name) => (await stat(`${directory}/${name}`)).ino === mine.ino))
  const aside = linked.includes(true) ? earlier[linked.indexOf(true)] : `${segmentName(segment)}.corrupt-${earlier.length + 1}`
  if (corruption !== 'link') await rename(file, `${directory}/${aside}`)
  else if (!linked.includes(true)) await link(file, `${directory}/${aside}`).catch(() => copyFile(file, `${directory}/${aside}`))
  await syncDirectory(directory)
  const error = new MillraceError('E_JOURNAL_CORRUPT', { file, offset: damagedAt, aside })
  logger?.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, file, offset: damagedAt, aside })
  return error
}

/** Calls `onRecord` for the good records; returns the size and the first bad byte. */
const replay = async (segment: number, options: RecoveryOptions): Promise<Verdict> => {
  const path = `${options.directory}/${segmentName(segment)}`
  let size = 0
  let damagedAt: number | undefined
  for await (const lines of scanSegment(path, options.maxRecordBytes)) {
    for (const { offset, end, frame } of lines) {
      size = end
      if (frame === undefined) damagedAt ??= offset
      else if (offset === 0) checkHeader(frame.payload, path, options.kind)
      else options.onRecord?.({ segment, offset, payload: frame.payload, length: frame.payload.length })
    }
  }
  return damagedAt === undefined ? { size } : { size, damagedAt }
}

/** One file: undefined when it was renamed away. */
const recoverSegment = async (
  segment: number,
  last: boolean,
  options: RecoveryOptions,
): Promise<(FoundSegment & { readonly good: boolean }) | undefined> => {
  const path = `${options.directory}/${segmentName(segment)}`
  const found = async (verdict: Verdict): Promise<(FoundSegment & { readonly good: boolean }) | undefined> => {
    if (verdict.damagedAt === undefined) return { segment, size: verdict.size, good: true }
    const error = await setAside(segment, verdict.damagedAt, options)
    if (options.corruption === 'refuse') throw error
    return options.corruption === 'link' ? { segment, size: verdict.size, good: false } : undefined
  }
  if (!last) {
    if (options.onRecord === undefined) return { segment, size: (await stat(path)).size, good: true }
    return found(await replay(segment, options))
  }
  const verdict = await examine(path, options)
  if (verdict.cutAt !== undefined) await cut(path, verdict.cutAt, verdict.size, options)
  const size = verdict.cutAt ?? verdict.size
  if (options.onRecord !== undefined && (verdict.damagedAt === undefined || options.corruption === 'link')) await replay(segment, options)
  return found(verdict.damagedAt === undefined ? { size } : verdict)
}

/** Brings a directory back into a state that can be written on, and reads what is in it. */
export const recover = async (options: RecoveryOptions): Promise<Recovered> => {
  const { segments, highest } = await listSegments(options.directory)
  const from = options.from ?? 1
  const wanted = segments.filter((segment) => segment >= from)
  const kept: FoundSegment[] = []
  let appendable = false
  for (const segment of wanted) {
    const found = await recoverSegment(segment, segment === wanted.at(-1), options)
    appendable = found?.good ?? false
    if (found !== undefined) kept.push({ segment, size: found.size })
  }
  return { segments: kept, appendable, highest }
}
