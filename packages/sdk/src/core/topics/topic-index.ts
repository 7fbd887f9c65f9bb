import type { DeclaredFunction } from './declare-function.ts'
import { MatchCache } from './match-cache.ts'
import type { MappedFunction } from './mapped-function.ts'
import type { TopicMapLimits } from './map-limits.ts'
import { MAX_TOPIC_LENGTH } from './pattern.ts'
import { PatternTrie } from './pattern-trie.ts'

const nobody: readonly MappedFunction[] = Object.freeze([])

/** Finds the functions of a topic: exact topics by one look-up, patterns by the trie, and what was found is remembered. */
export class TopicIndex {
  readonly #functions: readonly MappedFunction[]
  readonly #numbers = new Map<string, number[]>()
  readonly #exact = new Map<string, readonly MappedFunction[]>()
  readonly #patterns = new Set<string>()
  readonly #trie = new PatternTrie()
  readonly #cache: MatchCache<MappedFunction>

  constructor(declared: Iterable<DeclaredFunction>, functions: readonly MappedFunction[], limits: TopicMapLimits) {
    this.#functions = functions
    this.#cache = new MatchCache(limits.cachedTopics, limits.cachedResults)
    let functionNumber = 0
    for (const { patterns } of declared) {
      for (const pattern of patterns) {
        if (!pattern.exact) {
          this.#trie.add(pattern, functionNumber)
          this.#patterns.add(pattern.text)
          continue
        }
        const numbers = this.#numbers.get(pattern.text)
        if (numbers === undefined) this.#numbers.set(pattern.text, [functionNumber])
        else numbers.push(functionNumber)
      }
      functionNumber += 1
    }
    for (const [topic, numbers] of this.#numbers) this.#exact.set(topic, this.#resolve(numbers))
  }

  exactTopics(): readonly string[] {
    return [...this.#numbers.keys()].toSorted()
  }

  patterns(): readonly string[] {
    return [...this.#patterns].toSorted()
  }

  match(topic: string): readonly MappedFunction[] {
    if (this.#trie.size === 0 || topic.length > MAX_TOPIC_LENGTH) return this.#exact.get(topic) ?? nobody
    const remembered = this.#cache.get(topic)
    if (remembered !== undefined) return remembered
    const found = this.#find(topic)
    this.#cache.set(topic, found)
    return found
  }

  #find(topic: string): readonly MappedFunction[] {
    const numbers = new Set<number>()
    this.#trie.collect(topic, numbers)
    if (numbers.size === 0) return this.#exact.get(topic) ?? nobody
    for (const functionNumber of this.#numbers.get(topic) ?? []) numbers.add(functionNumber)
    return this.#resolve([...numbers].toSorted((left, right) => left - right))
  }

  #resolve(numbers: readonly number[]): readonly MappedFunction[] {
    return numbers.map((functionNumber) => this.#functions[functionNumber]).filter((mapped) => mapped !== undefined)
  }
}
