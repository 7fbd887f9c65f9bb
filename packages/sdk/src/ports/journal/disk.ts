import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { constants } from 'node:fs'
import { MillraceError, describeError } from '../../core/errors.ts'

/** The file operations whose failure a journal must survive. Tests wrap the real ones to make a sync fail. */
export interface Disk {
  /** Opens for reading and writing, created when absent, never truncated. */
  open(path: string): Promise<FileHandle>
  write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void>
  sync(file: FileHandle): Promise<void>
}

const writeAll = async (file: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw new Error('the disk took no bytes')
    done += bytesWritten
  }
}

export const realDisk: Disk = {
  open: (path) => open(path, constants.O_RDWR | constants.O_CREAT, 0o640),
  write: writeAll,
  sync: (file) => file.datasync(),
}

/** Makes created, renamed and removed names of a directory durable. */
export const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Puts whole contents in place of a file: a reader sees the old or the new one, also after a crash. */
export const replaceFile = async (
  directory: string,
  name: string,
  contents: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> => {
  const temporary = `${directory}/${name}.new`
  await rm(temporary, { force: true })
  const handle = await open(temporary, 'wx', 0o640)
  let size = 0
  try {
    for await (const part of contents) {
      await writeAll(handle, part, size)
      size += part.length
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, `${directory}/${name}`)
  await syncDirectory(directory)
  return size
}

/** Anything thrown by the file system, as `E_JOURNAL_IO`; Millrace's own errors stay as they are. */
export const ioError = (operation: string, path: string, thrown: unknown): MillraceError =>
  thrown instanceof MillraceError
    ? thrown
    : new MillraceError('E_JOURNAL_IO', { operation, path, reason: describeError(thrown, 300) }, thrown)

/** The system's code of an error, e.g. `ENOENT`. */
export const systemCode = (thrown: unknown): string | undefined =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
