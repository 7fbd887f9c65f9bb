/** Deeper values are refused: whoever reads them later may do so by recursion. */
const maxDepth = 1000
const maxMembers = 256

/** Why a text is no object that can be used. */
export class JsonFault extends Error {
  override readonly name: string = 'JsonFault'
}

const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const hexToken = /[0-9a-fA-F]{4}/y

const code = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  backslash: 0x5c,
  closeList: 0x5d,
  letterU: 0x75,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const

/** Reads RFC 8259 without building anything and without recursion, so that 16 MiB of brackets cost neither memory nor stack. */
class Scanner {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  fail(what: string): never {
    throw new JsonFault(`${what} at character ${this.at}`)
  }

  skipBlanks(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return
      this.at += 1
    }
  }

  /** The next character after blanks, or NaN at the end. */
  peek(): number {
    this.skipBlanks()
    return this.text.charCodeAt(this.at)
  }

  expect(c: number): void {
    if (this.peek() !== c) this.fail(`${String.fromCharCode(c)} is missing`)
    this.at += 1
  }

  /** Passes over a string and gives it as written, quotes included. */
  string(): string {
    const from = this.at
    this.expect(code.quote)
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (!(c >= 0x20)) this.fail('a string has a control character or no end')
      this.at += 1
      if (c === code.quote) return this.text.slice(from, this.at)
      if (c === code.backslash) this.#escape()
    }
  }

  #escape(): void {
    const c = this.text.charCodeAt(this.at)
    if (c === code.letterU) {
      hexToken.lastIndex = this.at + 1
      if (!hexToken.test(this.text)) this.fail('an escape is wrong')
      this.at += 5
    } else {
      if (this.at >= this.text.length || !'"\\/bfnrt'.includes(this.text.charAt(this.at))) this.fail('an escape is wrong')
      this.at += 1
    }
  }

  /** Passes over a member's name and its colon. */
  name(): string {
    if (this.peek() !== code.quote) this.fail('the name of a member is missing')
    const name = this.string()
    this.expect(code.colon)
    return name
  }

  #scalar(): void {
    if (this.text.charCodeAt(this.at) === code.quote) {
      this.string()
      return
    }
    for (const word of ['true', 'false', 'null']) {
      if (!this.text.startsWith(word, this.at)) continue
      this.at += word.length
      return
    }
    numberToken.lastIndex = this.at
    const match = numberToken.exec(this.text)
    if (match === null) this.fail('a value is missing')
    else this.at += match[0].length
  }

  /** Passes over one value. */
  value(): void {
    const closers: number[] = []
    do {
      const c = this.peek()
      if (c === code.openObject || c === code.openList) {
        this.#open(closers, c)
      } else {
        this.#scalar()
        this.#close(closers)
      }
    } while (closers.length > 0)
  }

  #open(closers: number[], opener: number): void {
    if (closers.length >= maxDepth) this.fail(`it is nested more than ${maxDepth} levels deep`)
    const closer = opener === code.openObject ? code.closeObject : code.closeList
    this.at += 1
    closers.push(closer)
    if (this.peek() === closer) this.#close(closers)
    else if (closer === code.closeObject) this.name()
  }

  /** After a value: passes over all that ends here, up to the next value. */
  #close(closers: number[]): void {
    while (closers.length > 0) {
      const closer = closers[closers.length - 1]
      const c = this.peek()
      if (c === closer) {
        this.at += 1
        closers.pop()
      } else if (c === code.comma) {
        this.at += 1
        if (closer === code.closeObject) this.name()
        return
      } else {
        this.fail('a comma or an end is missing')
      }
    }
  }
}

/**
 * The members of a JSON object by name, each as the text that stands there: a number keeps all its digits, and data that is handed on
 * stays as it was sent. The whole text is checked.
 *
 * @throws JsonFault for what is not one JSON object, has a name twice, over 256 members or 1,000 levels
 */
export const readJsonMembers = (text: string): ReadonlyMap<string, string> => {
  const scanner = new Scanner(text)
  const members = new Map<string, string>()
  scanner.expect(code.openObject)
  if (scanner.peek() === code.closeObject) scanner.at += 1
  else {
    for (;;) {
      const name = JSON.parse(scanner.name()) as string
      if (members.has(name)) scanner.fail('a name stands there twice, before the one')
      if (members.size >= maxMembers) scanner.fail(`there are more than ${maxMembers} members`)
      scanner.skipBlanks()
      const from = scanner.at
      scanner.value()
      members.set(name, text.slice(from, scanner.at))
      if (scanner.peek() !== code.comma) break
      scanner.at += 1
    }
    scanner.expect(code.closeObject)
  }
  if (!Number.isNaN(scanner.peek())) scanner.fail('there is something after the object')
  return members
}
