import { TooLong } from './codec.ts'

/** Output of a frame, grown as it fills: nothing is allocated because a header claims a size. */
export class Output {
  readonly #max: number
  bytes: Buffer
  length = 0

  constructor(first: number, max: number) {
    this.#max = max
    this.bytes = Buffer.allocUnsafe(Math.min(first, max))
  }

  reserve(more: number): void {
    const needed = this.length + more
    if (needed > this.#max) throw new TooLong(this.#max)
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.min(this.#max, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}

const broken = (what: string): never => {
  throw new Error(`a block is broken: ${what}`)
}

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
    output.reserve(literals)
    block.copy(output.bytes, output.length, at, at + literals)
    output.length += literals
    at += literals
    if (at === block.length) return
    if (at + 2 > block.length) broken('an offset is missing')
    const offset = block.readUInt16LE(at)
    at += 2
    if (offset === 0 || offset > output.length) broken('an offset points before the beginning')
    const match = lengthFrom(token & 15) + 4
    output.reserve(match)
    copyMatch(output, offset, match)
  }
}

/** A match may overlap what it makes: then it repeats. */
const copyMatch = (output: Output, offset: number, length: number): void => {
  const { bytes } = output
  let [from, to] = [output.length - offset, output.length]
  output.length += length
  if (offset >= length) bytes.copyWithin(to, from, from + length)
  else for (const end = to + length; to < end; to += 1, from += 1) bytes[to] = bytes[from] as number
}
