import { Journal, type JournalOptions } from '../../../src/ports/journal/journal.ts'

/** A journal with the texts of the records that were found at open. */
export const openJournal = async (
  directory: string,
  options: Partial<JournalOptions> = {},
): Promise<{ readonly journal: Journal; readonly found: string[] }> => {
  const found: string[] = []
  const onRecord = ({ payload }: { readonly payload: Buffer }): void => void found.push(payload.toString())
  const journal = await Journal.open({ directory, kind: 'spool', corruption: 'refuse', onRecord, ...options })
  return { journal, found }
}

/** What is in a directory: opened, read and closed. */
export const contents = async (directory: string, options: Partial<JournalOptions> = {}): Promise<readonly string[]> => {
  const { journal, found } = await openJournal(directory, options)
  await journal.close()
  return found
}
