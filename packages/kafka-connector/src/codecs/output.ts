import { TooLong } from './codec.ts'

/** Ends the reading of a block. */
export const broken = (what: string): never => {
  throw new Error(`a block is broken: ${what}`)
}

/** What is unpacked, grown as it fills: nothing is allocated because a header claims a size. */
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

  append(from: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    from.copy(this.bytes, this.length, start, end)
    this.length += end - start
  }

  /** Repeats what stands `offset` bytes back. It may overlap what it makes: then it repeats that. */
  repeat(offset: number, length: number): void {
    if (offset <= 0 || offset > this.length) broken('an offset points before the beginning')
    this.reserve(length)
    const { bytes } = this
    let [from, to] = [this.length - offset, this.length]
    this.length += length
    if (offset >= length) bytes.copyWithin(to, from, from + length)
    else for (const end = to + length; to < end; to += 1, from += 1) bytes[to] = bytes[from] as number
  }
}
