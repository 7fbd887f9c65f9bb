import { open, readdir, type FileHandle } from 'node:fs/promises'
import { parseFrame, type Frame } from './frame.ts'

/** Where a record lies. */
export interface JournalPosition {
  /** Number of the segment file, from 1. */
  readonly segment: number
  /** First byte of the record in the file. */
  readonly offset: number
}

/** One line of a segment file. `frame` is absent when the line is not what was written. */
export interface ScannedLine {
  readonly offset: number
  /** First byte after the line. */
  readonly end: number
  readonly frame?: Frame
  /** The line could be what a crash left of an unfinished write: it has no end, or holds zeros that a file system filled in. */
  readonly unfinished: boolean
}

const CHUNK = 1 << 20
const LF = 10
const name = /^(\d{10})\.jsonl(\..+)?$/

/** `0000000007.jsonl`: sorts by number. */
export const segmentName = (segment: number): string => `${String(segment).padStart(10, '0')}.jsonl`

/** The number of a segment file; 0 for any other name. */
export const segmentNumber = (file: string): number => {
  const match = name.exec(file)
  return match === null || match[2] !== undefined ? 0 : Number(match[1])
}

/** The segments of a directory in order, what was set aside of them, and the highest number ever used. */
export const listSegments = async (
  directory: string,
): Promise<{ readonly segments: readonly number[]; readonly aside: readonly string[]; readonly highest: number }> => {
  const files = await readdir(directory)
  const matches = files.map((file) => name.exec(file)).filter((match) => match !== null)
  return {
    segments: matches
      .filter((match) => match[2] === undefined)
      .map((match) => Number(match[1]))
      .toSorted((a, b) => a - b),
    aside: files.filter((file) => /\.corrupt-\d+$/.test(file)),
    highest: Math.max(0, ...matches.map((match) => Number(match[1]))),
  }
}

const judge = (line: Buffer, offset: number, end: number, terminated: boolean): ScannedLine => {
  if (!terminated) {
    // A whole record followed by one wrong byte is a damaged line feed, not an unfinished write.
    const damaged = line.length > 1 && parseFrame(line.subarray(0, -1)) !== undefined
    return { offset, end, unfinished: !damaged }
  }
  const frame = parseFrame(line)
  return frame === undefined ? { offset, end, unfinished: line.includes(0) } : { offset, end, frame, unfinished: false }
}

/** Splits a byte stream into lines. A line longer than `max` is given up without keeping it in memory. */
class LineSplitter {
  readonly #max: number
  #parts: Buffer[] = []
  #length = 0
  #start = 0

  constructor(max: number) {
    this.#max = max
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length <= this.#max) this.#parts.push(part)
    else this.#parts = []
  }

  #take(terminated: boolean): ScannedLine {
    const end = this.#start + this.#length + (terminated ? 1 : 0)
    const tooLong = this.#length > this.#max
    const line = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    const scanned = tooLong ? { offset: this.#start, end, unfinished: !terminated } : judge(line, this.#start, end, terminated)
    this.#parts = []
    this.#length = 0
    this.#start = end
    return scanned
  }

  push(chunk: Buffer): ScannedLine[] {
    const lines: ScannedLine[] = []
    let from = 0
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      this.#keep(chunk.subarray(from, at))
      lines.push(this.#take(true))
      from = at + 1
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
    return lines
  }

  end(): ScannedLine[] {
    return this.#length > 0 ? [this.#take(false)] : []
  }
}

async function* chunks(file: FileHandle, until: number): AsyncGenerator<Buffer> {
  let position = 0
  while (position < until) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(CHUNK, until - position)), 0, undefined, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/**
 * Reads the lines of a segment file, some at a time, in memory bounded by the longest line allowed.
 *
 * @param until stop at this byte. @default the end of the file
 */
export async function* scanSegment(
  path: string,
  maxRecordBytes: number,
  until: number = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<readonly ScannedLine[]> {
  const file = await open(path, 'r')
  try {
    const splitter = new LineSplitter(maxRecordBytes + 64)
    for await (const chunk of chunks(file, until)) {
      const lines = splitter.push(chunk)
      if (lines.length > 0) yield lines
    }
    const rest = splitter.end()
    if (rest.length > 0) yield rest
  } finally {
    await file.close()
  }
}
