import { crc32 } from 'node:zlib'

const TAB = 9

/** A line of a journal that could be read. */
export interface Frame {
  readonly payload: Buffer
  /** Every byte of the file before this offset was durable when the line was written. */
  readonly durable: number
}

const trailer = /^(\d{1,15})\t([0-9a-f]{8})$/

/** What follows the payload on its line: tab, durable offset, tab, CRC-32 of all before that tab, line feed. */
export const frameTrailer = (payload: Uint8Array, durable: number): string => {
  const mark = `\t${durable}`
  const sum = crc32(mark, crc32(payload))
  return `${mark}\t${sum.toString(16).padStart(8, '0')}\n`
}

/** One whole line. The payload must hold no line feed. */
export const encodeFrame = (payload: Uint8Array, durable: number): Buffer =>
  Buffer.concat([payload, Buffer.from(frameTrailer(payload, durable), 'latin1')])

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
