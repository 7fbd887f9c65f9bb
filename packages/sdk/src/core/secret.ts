import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** What every printed secret looks like. */
export const redacted = '[redacted]'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * A password, token or private key. Printing, logging, joining or serialising one gives `[redacted]`;
 * only `reveal()` gives the value, at the one place that sends it.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    // Not as a member: `isolatedDeclarations` cannot name a method whose key is an imported symbol.
    Object.defineProperty(this, inspect.custom, { value: () => redacted })
    Object.freeze(this)
  }

  /** The value itself. Never store it, never put it into an error or a log. */
  reveal(): string {
    return this.#value
  }

  /** Compares in a time that does not depend on where, or whether, the values differ. */
  equals(other: Secret | string): boolean {
    const text = typeof other === 'string' ? other : other.reveal()
    return timingSafeEqual(digest(this.#value), digest(text))
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }
}
