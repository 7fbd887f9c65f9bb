import { plainText, percentEncode } from './value.ts'

/** What separates name and value, and ends the line. */
const perLine = 4
const encodedName = 'X-Millrace-Encoded'

/** The flat list of one request under construction: names, values, what they may still cost, and what was cut. */
export class HeaderList {
  readonly out: string[]
  dropped = 0
  #budget: number
  readonly #maxValue: number
  /** Indices in `out` of values that are percent-encoded. */
  #encodedAt: number[] | undefined

  constructor(out: string[], budget: number, maxValue: number) {
    this.out = out
    this.#budget = budget
    this.#maxValue = maxValue
  }

  /** A value that is known to be fit: a number, a validated trace context or media type. */
  fit(name: string, value: string): boolean {
    const cost = name.length + value.length + perLine
    if (cost > this.#budget) return this.#drop()
    this.#budget -= cost
    this.out.push(name, value)
    return true
  }

  /** By the CloudEvents rule. */
  cloudEvent(name: string, value: string | Uint8Array): boolean {
    return value.length > this.#maxValue ? this.#drop() : this.fit(name, percentEncode(value))
  }

  /** Printable ASCII as it is; anything else percent-encoded as a whole, and its name listed. */
  any(name: string, value: string | Uint8Array): boolean {
    if (value.length > this.#maxValue) return this.#drop()
    const plain = plainText(value)
    if (plain !== undefined) return this.fit(name, plain)
    const listed = name.length + 2 + (this.#encodedAt === undefined ? encodedName.length + perLine : 0)
    const encoded = percentEncode(value)
    if (name.length + encoded.length + perLine + listed > this.#budget) return this.#drop()
    this.#budget -= listed
    this.fit(name, encoded)
    ;(this.#encodedAt ??= []).push(this.out.length - 1)
    return true
  }

  #drop(): false {
    this.dropped += 1
    return false
  }

  /** Adds the list of encoded names. A name is listed for all its values, so a repeated header is encoded wholly or not at all. */
  finish(): string[] {
    if (this.#encodedAt === undefined) return this.out
    const encoded = new Set(this.#encodedAt)
    const names = new Map<string, string>()
    for (const index of encoded) {
      const name = this.out[index - 1] as string
      names.set(name.toLowerCase(), name)
    }
    for (let index = this.out.length - 1; index > 0; index -= 2) {
      if (!encoded.has(index) && names.has((this.out[index - 1] as string).toLowerCase())) this.#encodeInPlace(index)
    }
    this.out.push(encodedName, [...names.values()].join(', '))
    return this.out
  }

  #encodeInPlace(index: number): void {
    const before = this.out[index] as string
    const after = percentEncode(before)
    if (after.length - before.length > this.#budget) {
      this.out.splice(index - 1, 2)
      this.dropped += 1
      return
    }
    this.#budget -= after.length - before.length
    this.out[index] = after
  }
}
