import type { ListedFunction } from './listed-function.ts'
import { applyList, applyVanished, isSuspect, noList } from './removal.ts'
import type { ListState } from './removal.ts'

/** What one round of questions brought. */
export interface ListRound {
  /** What the list of namespaces said; empty: the gateway has none. */
  readonly namespaces: readonly string[]
  /** The lists that succeeded, by namespace; `''` is the one without. A failed list is absent. */
  readonly lists: ReadonlyMap<string, readonly ListedFunction[]>
}

type State = ListState<ListedFunction>

/** The list without a namespace. */
const bare = ''
const emptyList: ReadonlyMap<string, ListedFunction> = new Map()

const byName = (functions: readonly ListedFunction[]): ReadonlyMap<string, ListedFunction> => {
  const map = new Map<string, ListedFunction>()
  // The first of two counts, as in the topic map.
  for (const listed of functions) if (!map.has(listed.name)) map.set(listed.name, listed)
  return map
}

/**
 * The functions in force over all namespaces: the last good part of each, under the removal rule. Pure but for its own memory.
 */
export class KnownFunctions {
  #states = new Map<string, State>()

  /** True when the round holds an empty list after a non-empty one, so that `apply` must know whether the gateway is healthy. */
  isSuspect(round: ListRound): boolean {
    if (round.namespaces.length === 0 && this.#hasNamespaced()) return true
    return [...round.lists].some(([name, functions]) => isSuspect(this.#stateOf(name), byName(functions)))
  }

  /** Namespaces of this round without any good list so far, now or earlier. */
  unknown(round: ListRound): readonly string[] {
    const asked = round.namespaces.length === 0 ? [bare] : round.namespaces
    return asked.filter((name) => !round.lists.has(name) && !this.#states.has(name))
  }

  /** Takes a round in. */
  apply(round: ListRound, healthy: boolean): void {
    const next = new Map<string, State>()
    if (round.namespaces.length === 0 && this.#hasNamespaced()) {
      // No namespaces after some: as an empty list of each. The bare list must not be used beside them, or functions would be called twice.
      for (const [name, state] of this.#states) next.set(name, applyList(state, emptyList, healthy))
    } else {
      for (const name of round.namespaces.length === 0 ? [bare] : round.namespaces) {
        const functions = round.lists.get(name)
        if (functions !== undefined) next.set(name, applyList(this.#stateOf(name), byName(functions), healthy))
        else if (this.#states.has(name)) next.set(name, this.#stateOf(name))
      }
      for (const [name, state] of this.#states) if (!next.has(name)) next.set(name, applyVanished(state))
    }
    for (const [name, state] of next) if (state.kept.size === 0 && !round.lists.has(name)) next.delete(name)
    this.#states = next
  }

  /** All functions in force. Those of a namespace have it, the others have none: that decides how they are called. */
  functions(): ListedFunction[] {
    const all: ListedFunction[] = []
    const named = new Set<string>()
    for (const [namespace, state] of this.#states) {
      if (namespace === bare) continue
      for (const [name, { value }] of state.kept) {
        named.add(name)
        all.push(value.namespace === namespace ? value : { ...value, namespace })
      }
    }
    for (const [name, { value }] of this.#stateOf(bare).kept) {
      if (named.has(name)) continue
      const { namespace: _namespace, ...rest } = value
      all.push(rest)
    }
    return all
  }

  #stateOf(name: string): State {
    return this.#states.get(name) ?? noList()
  }

  #hasNamespaced(): boolean {
    return [...this.#states].some(([name, state]) => name !== bare && state.kept.size > 0)
  }
}
