/** One function that is still in force, with the lists in a row that missed it. */
interface Kept<T> {
  readonly value: T
  readonly missed: number
}

/** What is in force of one list: a namespace, or a gateway without namespaces. Immutable. */
export interface ListState<T> {
  readonly kept: ReadonlyMap<string, Kept<T>>
  /** Empty lists in a row, while something is in force. */
  readonly empties: number
}

/** Successful lists in a row that must miss a function before it goes (decision P6). */
export const MISSES_TO_REMOVE = 2
/** Empty lists in a row, of a healthy gateway, before everything goes (decision P6). */
export const EMPTIES_TO_CLEAR = 5

const nothing: ListState<never> = { kept: new Map(), empties: 0 }

/** Nothing known yet. */
export const noList = <T>(): ListState<T> => nothing

const missed = <T>(kept: ReadonlyMap<string, Kept<T>>, listed: ReadonlyMap<string, T>): Map<string, Kept<T>> => {
  const next = new Map<string, Kept<T>>()
  for (const [name, value] of listed) next.set(name, { value, missed: 0 })
  for (const [name, entry] of kept) {
    if (!listed.has(name) && entry.missed + 1 < MISSES_TO_REMOVE) next.set(name, { value: entry.value, missed: entry.missed + 1 })
  }
  return next
}

/** True for an empty list after a non-empty one: ask whether the gateway is healthy before `applyList`. */
export const isSuspect = <T>(before: ListState<T>, listed: ReadonlyMap<string, T>): boolean => listed.size === 0 && before.kept.size > 0

/**
 * Decision P6 for one successful list. A failed list is not applied: it neither counts nor breaks a row.
 *
 * An empty list counts towards clearing everything only, not as a miss: a gateway that has lost its provider lists nothing.
 *
 * @param healthy what the gateway's readiness says; asked only for a suspect list
 */
export const applyList = <T>(before: ListState<T>, listed: ReadonlyMap<string, T>, healthy: boolean): ListState<T> => {
  if (!isSuspect(before, listed)) return { kept: missed(before.kept, listed), empties: 0 }
  if (!healthy) return before
  const empties = before.empties + 1
  return empties < EMPTIES_TO_CLEAR ? { kept: before.kept, empties } : nothing
}

/** The namespace itself is gone from a list of others: each of its functions is missed once. */
export const applyVanished = <T>(before: ListState<T>): ListState<T> => ({ kept: missed(before.kept, new Map()), empties: 0 })
