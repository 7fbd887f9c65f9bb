import type { AvroType } from './avro-schema.ts'

/** Deeper values are refused: whoever reads them may do so by recursion. */
const maxDepth = 256
/** What names of fields, repeated in each record, may add up to. */
const maxNames = 32 * 1024 * 1024

const broken = (what: string): never => {
  throw new Error(`the value is not of its Avro schema: ${what}`)
}

/** An unscaled number with its decimal point: `-12.34`. */
const decimalText = (bytes: Buffer, scale: number): string => {
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/**
 * Reads the binary encoding. Nothing in the bytes is believed: a count of items costs no more than the bytes that are there
 * (an array of nulls has none, so values are counted too).
 */
class AvroReader {
  readonly #bytes: Buffer
  #at = 0
  #values: number
  #names = maxNames

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#values = bytes.length + 65_536
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  // oxlint-disable-next-line complexity -- one line for each kind
  read(type: AvroType, depth = 0): unknown {
    if (depth > maxDepth) broken('it is nested too deeply')
    if ((this.#values -= 1) < 0) broken('it has more items than bytes')
    switch (type.kind) {
      case 'null':
        return null
      case 'boolean':
        return this.#take(1)[0] !== 0
      case 'int':
        return this.#short() ?? Number(BigInt.asIntN(32, this.#long()))
      case 'long':
        return this.#long()
      case 'float':
        return this.#take(4).readFloatLE()
      case 'double':
        return this.#take(8).readDoubleLE()
      case 'bytes':
        return this.#take(this.#length()).toString('base64')
      case 'string':
        return this.#take(this.#length()).toString('utf8')
      case 'fixed':
        return this.#take(type.size).toString('base64')
      case 'decimal':
        return this.#decimal(type.scale, type.size ?? this.#length())
      case 'enum':
        return type.symbols[this.#length()] ?? broken('an enum has no such symbol')
      case 'union':
        return this.read(type.branches[this.#length()] ?? broken('a union has no such branch'), depth + 1)
      case 'array':
        return this.#array(type.items, depth)
      case 'map':
        return this.#map(type.items, depth)
      case 'record':
        return this.#record(type.fields, depth)
    }
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) broken('it ends too soon')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  #long(): bigint {
    let [raw, shift] = [0n, 0n]
    for (;;) {
      const byte = this.#take(1)[0] as number
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
      if ((shift += 7n) > 63n) broken('a number is too long')
    }
    return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n))
  }

  /** A number of at most four bytes, which most are, without a bigint; `undefined`: it is longer, and nothing is read. */
  #short(): number | undefined {
    let raw = 0
    for (let length = 0; length < 4; length += 1) {
      const byte = this.#bytes[this.#at + length]
      if (byte === undefined) return broken('it ends too soon')
      raw |= (byte & 0x7f) << (7 * length)
      if (byte < 0x80) {
        this.#at += length + 1
        return (raw >>> 1) ^ -(raw & 1)
      }
    }
    return undefined
  }

  /** A length, count or index. */
  #length(): number {
    const value = this.#short() ?? Number(this.#long())
    return value < 0 || value > 0x7fffffff ? broken('a length is out of range') : value
  }

  #decimal(scale: number, length: number): string {
    // The conversion to digits is quadratic.
    if (length > 256) broken('a decimal has more than 256 bytes')
    return decimalText(this.#take(length), scale)
  }

  /** Blocks of items, until an empty one. A negative count comes with the bytes of the block, which are not needed here. */
  #blocks(item: () => void): void {
    for (;;) {
      let count = this.#long()
      if (count === 0n) return
      if (count < 0n) {
        count = -count
        this.#long()
      }
      for (; count > 0n; count -= 1n) item()
    }
  }

  #array(items: AvroType, depth: number): unknown[] {
    const list: unknown[] = []
    this.#blocks(() => list.push(this.read(items, depth + 1)))
    return list
  }

  #map(values: AvroType, depth: number): unknown {
    const map = Object.create(null) as Record<string, unknown>
    this.#blocks(() => {
      const key = this.#take(this.#length()).toString('utf8')
      map[key] = this.read(values, depth + 1)
    })
    return map
  }

  #record(fields: readonly { readonly name: string; readonly type: AvroType }[], depth: number): unknown {
    const record = Object.create(null) as Record<string, unknown>
    for (const { name, type } of fields) {
      if ((this.#names -= name.length + 4) < 0) broken('it would be too large as JSON')
      record[name] = this.read(type, depth + 1)
    }
    return record
  }
}

/**
 * A value in JSON terms: `long` a bigint, `bytes` and `fixed` base64, `decimal` text, unions without a wrapper; other logical types as the
 * numbers they are.
 *
 * @throws Error for bytes that are not of the type, or go on behind it
 */
export const readAvro = (type: AvroType, bytes: Buffer): unknown => {
  const reader = new AvroReader(bytes)
  const value = reader.read(type)
  return reader.atEnd ? value : broken('there is something behind it')
}
