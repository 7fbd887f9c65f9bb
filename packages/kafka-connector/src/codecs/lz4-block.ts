import { broken } from './output.ts'
import type { Output } from './output.ts'

/**
 * Unpacks one LZ4 block behind what is in `output` already, which it may refer to.
 * Form: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export const unpackBlock = (block: Buffer, output: Output): void => {
  let at = 0
  const lengthFrom = (nibble: number): number => {
    let length = nibble
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = block[at++] ?? broken('a length has no end')
    return length
  }
  while (at < block.length) {
    const token = block[at++] as number
    const literals = lengthFrom(token >> 4)
    if (at + literals > block.length) broken('literals are missing')
    output.append(block, at, at + literals)
    at += literals
    if (at === block.length) return
    if (at + 2 > block.length) broken('an offset is missing')
    const offset = block.readUInt16LE(at)
    at += 2
    output.repeat(offset, lengthFrom(token & 15) + 4)
  }
}
