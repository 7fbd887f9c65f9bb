import { resolve } from 'node:path'
import type { DeadLetterSink } from '../../contract/dead-letter.ts'
import type { Logger } from '../../contract/logger.ts'
import { encodeLetter } from '../../core/letters/codec.ts'
import { Journal } from '../journal/journal.ts'
import { readLetters, type ReadLettersOptions, type StoredLetter } from './letter-reader.ts'

export interface FileDeadLettersOptions {
  /** Created when absent. One process writes it at a time. */
  readonly directory: string
  /** Bytes after which a new file is begun. Old files are never deleted: that is for a person to decide. @default 64 MiB */
  readonly maxSegmentBytes?: number
  readonly logger?: Logger
}

/** Dead letters in files of JSON lines. */
export interface FileDeadLetters extends DeadLetterSink {
  /** Everything written so far, oldest first. */
  read(options?: ReadLettersOptions): AsyncIterable<StoredLetter>
  close(): Promise<void>
}

/**
 * A sink of files, each letter synced to disk before `write` resolves; letters written at once share a sync. The form
 * is in docs/file-formats.md. A damaged last file is set aside with an error in the log, and writing goes on in a new one.
 *
 * @throws MillraceError `E_JOURNAL_LOCKED` when another process writes there, `E_JOURNAL_IO`, `E_JOURNAL_FORMAT`
 */
export const fileDeadLetters = async (options: FileDeadLettersOptions): Promise<FileDeadLetters> => {
  const directory = resolve(options.directory)
  const journal = await Journal.open({
    directory,
    kind: 'dead-letters',
    corruption: 'rename',
    maxSegmentBytes: options.maxSegmentBytes,
    logger: options.logger,
  })
  return {
    name: `file:${directory}`,
    write: async (letter) => {
      await journal.append(encodeLetter(letter))
    },
    read: (readOptions) => readLetters(directory, readOptions),
    close: () => journal.close(),
  }
}
