import type { Codec } from './codec.ts'
import { unpackBlock } from './lz4-block.ts'
import { Output } from './output.ts'

const magic = 0x184d2204
const stored = 0x80000000
/** Of the frame descriptor: version in the upper two bits. */
const flags = { version: 0x40, versionMask: 0xc0, blockChecksum: 0x10, contentSize: 0x08, dictionary: 0x01 } as const
const blockSizes: ReadonlyMap<number, number> = new Map([
  [4, 0x10000],
  [5, 0x40000],
  [6, 0x100000],
  [7, 0x400000],
])

interface Frame {
  /** Where the first block begins. */
  readonly start: number
  readonly maxBlock: number
  readonly afterBlock: number
}

const readHeader = (bytes: Buffer): Frame => {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) throw new Error('it is not an LZ4 frame')
  const [flag, size] = [bytes[4] as number, bytes[5] as number]
  const maxBlock = blockSizes.get((size >> 4) & 7)
  if ((flag & flags.versionMask) !== flags.version || (flag & flags.dictionary) !== 0 || maxBlock === undefined) {
    throw new Error('the header of its frame is of another version')
  }
  return { start: 7 + ((flag & flags.contentSize) === 0 ? 0 : 8), maxBlock, afterBlock: (flag & flags.blockChecksum) === 0 ? 0 : 4 }
}

const unpackFrame = (bytes: Buffer, max: number): Buffer => {
  const { start, maxBlock, afterBlock } = readHeader(bytes)
  const output = new Output(bytes.length * 4, max)
  for (let at = start; ;) {
    if (at + 4 > bytes.length) throw new Error('its frame has no end')
    const word = bytes.readUInt32LE(at)
    if (word === 0) break
    const length = word & ~stored
    const end = at + 4 + length
    if (length > maxBlock || end > bytes.length) throw new Error('a block has a wrong length')
    const block = bytes.subarray(at + 4, end)
    if ((word & stored) === 0) unpackBlock(block, output)
    else {
      output.reserve(length)
      block.copy(output.bytes, output.length)
      output.length += length
    }
    at = end + afterBlock
  }
  return output.bytes.subarray(0, output.length)
}

/** Version 1, independent blocks of 4 MiB, no checksums; the last byte is its own checksum (xxHash32 of 60 70, second byte). */
const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73])

/**
 * LZ4 frames: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Written here because lz4js reads past the end of hostile
 * input, loops for as long as a block length claims, and expects block checksums on the wrong side. Checksums are not looked at: TCP and
 * the broker's CRC do that.
 *
 * `compress` writes valid frames of stored blocks, without compressing: this connector writes no LZ4.
 */
export const lz4Codec: Codec = {
  name: 'lz4',
  async compress(bytes) {
    const parts: Buffer[] = [header]
    for (let at = 0; at < bytes.length; at += 0x400000) {
      const block = bytes.subarray(at, at + 0x400000)
      const length = Buffer.alloc(4)
      length.writeUInt32LE((stored | block.length) >>> 0)
      parts.push(length, block)
    }
    return Buffer.concat([...parts, Buffer.alloc(4)])
  },
  async decompress(bytes, max) {
    return unpackFrame(bytes, max)
  },
}
