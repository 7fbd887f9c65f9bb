import type { HeaderNaming } from '../../contract/event.ts'
import { forwardedRules, type NameRule } from './name-rules.ts'

/** Namings come from letters, and letters from anywhere: this many are remembered. */
const maxRemembered = 16

/** Rules for the headers of events that other sources took in, each by the naming of its own. */
export class ForeignRules {
  readonly #known = new Map<string, (name: string) => NameRule>()

  /** @param fallback names the source where the prefix has no word of its own */
  of({ prefix, reserved }: HeaderNaming, fallback: string): (name: string) => NameRule {
    const key = JSON.stringify([prefix, ...reserved])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const [, word] = /^x-([a-z0-9]+)-/i.exec(prefix) ?? []
    const rules = forwardedRules(word ?? fallback, prefix, reserved)
    if (this.#known.size >= maxRemembered) this.#known.clear()
    this.#known.set(key, rules)
    return rules
  }
}
