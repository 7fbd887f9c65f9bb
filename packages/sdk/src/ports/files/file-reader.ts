import { readFile, stat } from 'node:fs/promises'

/** What configuration needs of a file system. Both reject when the file cannot be read. */
export interface FileReader {
  /** The whole file as UTF-8; at most 1 MiB. */
  read(path: string): Promise<string>
  /** Changes when the file's content may have changed, also when Kubernetes swaps the symlink above it. */
  version(path: string): Promise<string>
}

const maxBytes = 1_048_576

/** The real files of this machine. */
export const nodeFileReader: FileReader = {
  async read(path: string): Promise<string> {
    const { size } = await stat(path)
    if (size > maxBytes) throw new Error(`the file has ${size} bytes, at most ${maxBytes} are read`)
    return readFile(path, 'utf8')
  },
  async version(path: string): Promise<string> {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs}/${size}/${ino}`
  },
}
