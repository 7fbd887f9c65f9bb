import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'

/**
 * What the producing side knows of an event. `sent` is written before the event goes to the source and `confirmed` after the source
 * has said that it has it: an event that was sent and never confirmed may be there or not, and neither is a loss.
 */
export type PublishRecord =
  | { readonly kind: 'sent'; readonly id: string; readonly key: string; readonly sequence: number }
  | { readonly kind: 'confirmed'; readonly id: string; readonly position?: Position }

/** Where the source keeps an event: a partition, queue or stream, and the number in it. */
export interface Position {
  readonly intake: string
  readonly offset: number
}

/** What the function's side saw, in the order in which it happened: one process writes it, so the order of the lines is the order in time. */
export type InvocationRecord =
  /** The function's server has started: what was open before has no end of its own. */
  | { readonly kind: 'boot'; readonly at: number }
  | {
      readonly kind: 'start'
      readonly call: number
      readonly function: string
      readonly id: string
      readonly key: string
      readonly sequence: number
      /** From 1; 0 when the caller did not say. */
      readonly attempt: number
      readonly at: number
    }
  /** Written before the answer leaves. `status` 0: the caller left, or the connection was cut, before there was an answer. */
  | { readonly kind: 'end'; readonly call: number; readonly status: number; readonly at: number }

/** A file that lines are added to. What was added is there when this process is killed; `close` also makes it survive the machine. */
export interface AppendFile<T> {
  add(record: T): void
  close(): void
}

/** A writer that was killed may have left half a line. */
const cutTornLine = (path: string): void => {
  if (!existsSync(path)) return
  const bytes = readFileSync(path)
  truncateSync(path, bytes.lastIndexOf(0x0a) + 1)
}

/** Opens a file of one JSON record a line, or makes it. Only one writer at a time. */
export const appendTo = <T>(path: string): AppendFile<T> => {
  cutTornLine(path)
  const fd = openSync(path, 'a', 0o600)
  let open = true
  return {
    add: (record) => {
      if (open) writeSync(fd, `${JSON.stringify(record)}\n`)
    },
    close: () => {
      if (!open) return
      open = false
      fsyncSync(fd)
      closeSync(fd)
    },
  }
}

const parse = <T>(path: string, text: string, linesBefore: number): T[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      try {
        return JSON.parse(line) as T
      } catch (cause) {
        throw new Error(`${path}:${linesBefore + index + 1} is not a record: ${line.slice(0, 200)}`, { cause })
      }
    })

/** What was added to a file beyond `from`, up to the end of its last whole line. */
const readBeyond = (path: string, from: number): Buffer => {
  if (!existsSync(path)) return Buffer.alloc(0)
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - from))
    const read = readSync(fd, bytes, 0, bytes.length, from)
    return bytes.subarray(0, bytes.subarray(0, read).lastIndexOf(0x0a) + 1)
  } finally {
    closeSync(fd)
  }
}

/** Reads the records of a file again and again: only what was added since the last time is read. */
export const followRecords = <T>(path: string): (() => readonly T[]) => {
  const records: T[] = []
  let position = 0
  return () => {
    const bytes = readBeyond(path, position)
    for (const record of parse<T>(path, bytes.toString('utf8'), records.length)) records.push(record)
    position += bytes.length
    return [...records]
  }
}

/** The records of a file; none when there is no file. A last line without its end, of a writer that was killed, is left out. */
export const readRecords = <T>(path: string): readonly T[] => followRecords<T>(path)()
