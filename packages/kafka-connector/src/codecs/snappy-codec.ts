import snappy from 'snappyjs'
import type { Codec } from './codec.ts'
import { unpackSnappy } from './snappy-block.ts'

/** Java clients frame snappy by xerial's snappy-java: magic, version, compatible version, then blocks with their length in front. */
const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const headerBytes = 16
const blockBytes = 32 * 1024

const unframe = (bytes: Buffer, max: number): Buffer => {
  const parts: Buffer[] = []
  let room = max
  for (let at = headerBytes; at < bytes.length;) {
    const length = bytes.readInt32BE(at)
    const end = at + 4 + length
    if (length <= 0 || end > bytes.length) throw new Error('a block of its framing has a wrong length')
    const part = unpackSnappy(bytes.subarray(at + 4, end), room)
    room -= part.length
    parts.push(part)
    at = end
  }
  return Buffer.concat(parts)
}

/** Framed, as Java writes it, or one raw block, as librdkafka does. */
export const snappyCodec: Codec = {
  name: 'snappy',
  async compress(bytes) {
    const header = Buffer.alloc(headerBytes)
    magic.copy(header)
    header.writeInt32BE(1, 8)
    header.writeInt32BE(1, 12)
    const parts: Buffer[] = [header]
    for (let at = 0; at < bytes.length; at += blockBytes) {
      const block = snappy.compress(bytes.subarray(at, at + blockBytes))
      const length = Buffer.alloc(4)
      length.writeInt32BE(block.length)
      parts.push(length, block)
    }
    return Buffer.concat(parts)
  },
  async decompress(bytes, max) {
    return bytes.subarray(0, magic.length).equals(magic) ? unframe(bytes, max) : unpackSnappy(bytes, max)
  },
}
