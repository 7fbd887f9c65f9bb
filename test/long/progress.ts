import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** How far a part has come. */
export interface Progress {
  readonly seed: number
  /** Steps that are done; the next one has this index. */
  readonly done: number
  /** Of all steps together. */
  readonly ms: number
  /** Of the last steps, newest last. */
  readonly notes: readonly string[]
  /** Why the step `done` failed the last time. */
  readonly failure?: string
}

/** What the long run remembers between calls: outside of the tree, in one file that is replaced whole. */
export interface ProgressFile {
  readonly path: string
  get(part: string): Progress | undefined
  set(part: string, progress: Progress): void
  forget(part: string): void
}

/** `$XDG_STATE_HOME/millrace/test-long.json`, by default under `~/.local/state`. */
export const defaultProgressPath = (): string => {
  const base = process.env.XDG_STATE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.local/state') : base, 'millrace/test-long.json')
}

/** Opens the file; it need not be there. */
export const openProgress = (path: string): ProgressFile => {
  const known = new Map<string, Progress>(
    existsSync(path) ? Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, Progress>) : [],
  )
  const write = (): void => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.new`, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`)
    renameSync(`${path}.new`, path)
  }
  return {
    path,
    get: (part) => known.get(part),
    set: (part, progress) => {
      known.set(part, progress)
      write()
    },
    forget: (part) => {
      if (known.delete(part)) write()
    },
  }
}
