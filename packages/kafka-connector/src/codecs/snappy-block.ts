import { TooLong } from './codec.ts'
import { broken, Output } from './output.ts'

/** At most 32 bits, seven a byte. */
const readLength = (block: Buffer): { readonly length: number; readonly at: number } => {
  let length = 0
  for (let at = 0; at < 5; at += 1) {
    const byte = block[at] ?? broken('its length is missing')
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return { length, at: at + 1 }
  }
  return broken('its length has no end')
}

/**
 * Unpacks one block of snappy. By hand, since snappyjs 0.7.0 takes a literal's length for a signed number, walks back and never ends: 30 bytes
 * of anybody stop the process.
 * Form: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @throws Error for what is no block, or would become longer than `max`
 */
export const unpackSnappy = (block: Buffer, max: number): Buffer => {
  const { length, at: start } = readLength(block)
  if (length > max) throw new TooLong(max)
  // Nothing is allocated because a block claims a size: a copy of three bytes gives up to 64, no element more for its length.
  const output = new Output(Math.min(length, block.length * 32 + 64), length)
  let at = start
  const number = (bytes: number): number => {
    if (at + bytes > block.length) broken('it ends within an element')
    at += bytes
    return block.readUIntLE(at - bytes, bytes)
  }
  while (at < block.length) {
    const tag = number(1)
    const upper = tag >> 2
    if ((tag & 3) === 0) {
      const literals = (upper < 60 ? upper : number(upper - 59)) + 1
      if (at + literals > block.length) broken('literals are missing')
      output.append(block, at, at + literals)
      at += literals
    } else if ((tag & 3) === 1) output.repeat(((tag >> 5) << 8) + number(1), (upper & 7) + 4)
    else output.repeat(number((tag & 3) === 2 ? 2 : 4), upper + 1)
  }
  if (output.length !== length) broken(`${output.length} bytes came of it, ${length} were said`)
  return output.bytes.subarray(0, length)
}
