import { crc32 } from 'node:zlib'

const TAB = 9

/** A line of a journal that could be read. */
export interface Frame {
  readonly payload: Buffer
  /** Every byte of the file before this offset was durable when the line was written. */
  readonly durable: number
}

const trailer = /^(\d{1,15})\t([0-9a-f]{8})$/

/** What follows the payload on its line: `mark`, a tab, CRC-32 of all before that tab, line feed. */
const ending = (payload: Uint8Array | string, mark: string): string => {
  const sum = typeof payload === 'string' ? crc32(payload + mark) : crc32(mark, crc32(payload))
  return `${mark}\t${sum.toString(16).padStart(8, '0')}\n`
}

/**
 * Makes lines one after the other. Text is joined before it becomes bytes: thousands of short lines cost one buffer, not
 * thousands.
 */
export class LineWriter {
  readonly #mark: string
  #text = ''
  #chunks: Uint8Array[] | undefined

  /** @param durable bytes of the file that a sync covers */
  constructor(durable: number) {
    this.#mark = `\t${durable}`
  }

  /** Bytes that each line takes beside its payload. */
  get overhead(): number {
    return this.#mark.length + 10
  }

  /** The payload must hold no line feed. */
  add(payload: Uint8Array | string): void {
    if (typeof payload !== 'string') {
      this.#chunks ??= []
      if (this.#text !== '') this.#chunks.push(Buffer.from(this.#text))
      this.#chunks.push(payload)
      this.#text = ending(payload, this.#mark)
    } else {
      this.#text += payload + ending(payload, this.#mark)
    }
  }

  /** The lines so far. */
  take(): Buffer {
    const rest = Buffer.from(this.#text)
    const bytes = this.#chunks === undefined ? rest : Buffer.concat([...this.#chunks, rest])
    this.#text = ''
    this.#chunks = undefined
    return bytes
  }
}

/** One whole line. The payload must hold no line feed. */
export const encodeFrame = (payload: Uint8Array | string, durable: number): Buffer => {
  const line = new LineWriter(durable)
  line.add(payload)
  return line.take()
}

/** Reads a line without its line feed; `undefined` when it is not what was written. */
export const parseFrame = (line: Buffer): Frame | undefined => {
  const last = line.lastIndexOf(TAB)
  const first = last > 0 ? line.lastIndexOf(TAB, last - 1) : -1
  if (first < 0) return undefined
  const match = trailer.exec(line.toString('latin1', first + 1, first + 1 + 32))
  if (match === null || first + 1 + match[0].length !== line.length) return undefined
  if (crc32(line.subarray(0, last)) !== Number.parseInt(match[2] ?? '', 16)) return undefined
  return { payload: line.subarray(0, first), durable: Number(match[1]) }
}
