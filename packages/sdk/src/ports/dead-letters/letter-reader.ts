import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DeadLetter } from '../../contract/dead-letter.ts'
import { decodeLetter } from '../../core/letters/codec.ts'
import { isMillraceError, MillraceError } from '../../core/errors.ts'
import { ioError } from '../journal/disk.ts'
import { scanSegment, segmentNumber, type JournalPosition, type ScannedLine } from '../journal/segment.ts'

/** A letter and where it lies. */
export interface StoredLetter {
  readonly letter: DeadLetter
  /** `segment` is 0 when the file has another name than a journal gives. */
  readonly position: JournalPosition
  readonly file: string
}

/** Something in a file that is not a letter. */
export interface LetterProblem {
  readonly file: string
  readonly offset: number
  /** `E_LETTER_MALFORMED` or `E_LETTER_VERSION`. */
  readonly error: MillraceError
}

export interface ReadLettersOptions {
  /** Called for each record that cannot be read, and reading goes on. Absent: the first one is thrown. */
  readonly onProblem?: (problem: LetterProblem) => void
}

/** No record is longer in memory than this. */
const MAX_RECORD = 256 * 1024 * 1024

const filesOf = async (path: string): Promise<readonly string[]> => {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = (await readdir(path)).filter((name) => segmentNumber(name) > 0)
    return names.toSorted().map((name) => join(path, name))
  } catch (error) {
    throw ioError('read', path, error)
  }
}

const isHeader = (line: ScannedLine): boolean => line.offset === 0 && line.frame?.payload.toString('utf8', 0, 12) === '{"millrace":'

const damaged = (file: string, line: ScannedLine): LetterProblem => {
  const where = `${file} byte ${line.offset}`
  return { file, offset: line.offset, error: new MillraceError('E_LETTER_MALFORMED', { where, reason: 'its checksum does not fit' }) }
}

const decodeAt = (file: string, line: ScannedLine, payload: Buffer): StoredLetter | LetterProblem => {
  try {
    return { letter: decodeLetter(payload.toString()), position: { segment: segmentNumber(basename(file)), offset: line.offset }, file }
  } catch (error) {
    if (isMillraceError(error)) return { file, offset: line.offset, error }
    throw error
  }
}

/** Reads one file. Bad lines at its end may be a write that is not finished: they count only once a later line has seen them durable. */
async function* readFile(file: string, last: boolean): AsyncGenerator<StoredLetter | LetterProblem> {
  const doubtful: ScannedLine[] = []
  for await (const lines of scanSegment(file, MAX_RECORD)) {
    for (const line of lines) {
      if (line.frame === undefined) {
        if (last && line.unfinished) doubtful.push(line)
        else yield damaged(file, line)
        continue
      }
      while (doubtful[0] !== undefined && doubtful[0].offset < line.frame.durable) yield damaged(file, doubtful.shift() as ScannedLine)
      if (!isHeader(line)) yield decodeAt(file, line, line.frame.payload)
    }
  }
}

/**
 * Reads dead letters from a file or from a directory of them, oldest first, also while a connector writes there. An
 * unfinished record at the very end is left out. Memory is bounded by the longest record.
 *
 * Files that were set aside (`.corrupt-N`) are read only when they are named.
 *
 * @throws MillraceError `E_JOURNAL_IO`; without `onProblem` also `E_LETTER_MALFORMED` and `E_LETTER_VERSION`
 */
export async function* readLetters(path: string, { onProblem }: ReadLettersOptions = {}): AsyncGenerator<StoredLetter, void> {
  const files = await filesOf(path)
  try {
    for (const file of files) {
      for await (const found of readFile(file, file === files.at(-1))) {
        if ('letter' in found) yield found
        else if (onProblem === undefined) throw found.error
        else onProblem(found)
      }
    }
  } catch (error) {
    throw isMillraceError(error) ? error : ioError('read', path, error)
  }
}
