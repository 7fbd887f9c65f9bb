import type { FileReader } from '../../../src/ports/files/file-reader.ts'
import { ConfigError } from '../../../src/runtime/config/problem.ts'

/** Files in memory whose version grows with each change; `reads` counts. */
export const memoryFiles = (
  initial: Readonly<Record<string, string>> = {},
): FileReader & {
  write(path: string, text: string): void
  remove(path: string): void
  reads: number
} => {
  const files = new Map(Object.entries(initial).map(([path, text]) => [path, { text, version: 1 }]))
  const get = (path: string): { text: string; version: number } => {
    const file = files.get(path)
    if (file === undefined) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
    return file
  }
  return {
    reads: 0,
    async read(path) {
      this.reads += 1
      return get(path).text
    },
    async version(path) {
      return String(get(path).version)
    },
    write(path, text) {
      files.set(path, { text, version: (files.get(path)?.version ?? 0) + 1 })
    },
    remove(path) {
      files.delete(path)
    },
  }
}

/** The ConfigError of a promise that must reject with one. */
export const configErrorOf = async (promise: Promise<unknown>): Promise<ConfigError> => {
  const outcome = await promise.then(
    () => 'resolved',
    (error: unknown) => error,
  )
  if (outcome instanceof ConfigError) return outcome
  throw new Error(`no ConfigError but ${String(outcome)}`)
}
