import { open, type FileHandle } from 'node:fs/promises'
import { systemCode } from './disk.ts'
import { parseFrame } from './frame.ts'

const AHEAD = 256 << 10
/** Behind a payload: two tabs, at most 15 digits, the checksum, the line feed. */
const TRAILER = 26
const LF = 10

/** What became of a record: its payload, or that its file is gone, or that it is damaged. */
export type ReadResult = Buffer | 'gone' | 'damaged'

/**
 * Reads records again by their places, checked by their sums. Places that follow each other share a read, so a replay in
 * order costs little. Keeps one file open; one read at a time.
 */
export class RecordReader {
  readonly #path: (segment: number) => string
  #file: { readonly segment: number; readonly handle: FileHandle } | undefined
  #ahead: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }

  constructor(path: (segment: number) => string) {
    this.#path = path
  }

  /** @param length bytes of the payload */
  async read(segment: number, offset: number, length: number): Promise<ReadResult> {
    if (this.#file?.segment !== segment && !(await this.#open(segment))) return 'gone'
    // The trailer is shorter than its longest form at the end of a file, so a second look may be needed.
    const line = this.#line(offset, length) ?? (await this.#fill(offset, length))
    const payload = line === undefined ? undefined : parseFrame(line)?.payload
    return payload?.length === length ? payload : 'damaged'
  }

  async close(): Promise<void> {
    await this.#file?.handle.close()
    this.#file = undefined
  }

  async #open(segment: number): Promise<boolean> {
    await this.close()
    this.#ahead = { start: 0, bytes: Buffer.alloc(0) }
    try {
      this.#file = { segment, handle: await open(this.#path(segment), 'r') }
      return true
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false
      throw error
    }
  }

  #line(offset: number, length: number): Buffer | undefined {
    const { start, bytes } = this.#ahead
    const from = offset - start
    if (from < 0 || from + length >= bytes.length) return undefined
    const end = bytes.indexOf(LF, from + length)
    return end < 0 ? undefined : bytes.subarray(from, end)
  }

  async #fill(offset: number, length: number): Promise<Buffer | undefined> {
    if (this.#file === undefined) return undefined
    const wanted = Math.max(AHEAD, length + TRAILER)
    const { buffer, bytesRead } = await this.#file.handle.read(Buffer.allocUnsafe(wanted), 0, wanted, offset)
    this.#ahead = { start: offset, bytes: buffer.subarray(0, bytesRead) }
    return this.#line(offset, length)
  }
}
