import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileState, systemClock } from '@millrace/sdk'
import type { DeadLetter } from '@millrace/sdk'

/** Which letters have been delivered, durably: a second replay leaves them out. */
export interface ReplayLog {
  has(letter: DeadLetter): Promise<boolean>
  /** Resolves when it is on disk. */
  add(letter: DeadLetter): Promise<void>
  close(): Promise<void>
}

/** The same for a letter wherever its file has been copied to. */
const keyOf = ({ event, function: name, diedAt, intake, letterId }: DeadLetter): string =>
  createHash('sha256')
    .update(JSON.stringify([event.id, name ?? '', intake, diedAt, ...(letterId === undefined ? [] : [letterId])]))
    .digest('hex')

/** Where the log of these letters is kept unless somebody says otherwise: beside them. */
export const defaultLogPath = (letters: string): string => {
  const isDirectory = existsSync(letters) && statSync(letters).isDirectory()
  return join(isDirectory ? letters : dirname(letters), 'replayed')
}

const nothing: ReplayLog = { has: () => Promise.resolve(false), add: () => Promise.resolve(), close: () => Promise.resolve() }

/**
 * Opens the log.
 *
 * @param readOnly creates nothing: for a dry run
 * @throws MillraceError `E_JOURNAL_LOCKED` while another replay of the same letters runs, `E_JOURNAL_IO`, `E_STATE_CORRUPT`
 */
export const openReplayLog = async (directory: string, readOnly: boolean): Promise<ReplayLog> => {
  if (readOnly && !existsSync(directory)) return nothing
  const state = await fileState({ directory, clock: systemClock })
  return {
    has: async (letter) => (await state.get(keyOf(letter))) !== undefined,
    add: async (letter) => {
      const note = { event: letter.event.id.slice(0, 1024), function: letter.function, at: new Date(systemClock.now()).toISOString() }
      await state.put(keyOf(letter), Buffer.from(JSON.stringify(note)), 'absent')
    },
    close: () => state.close(),
  }
}
