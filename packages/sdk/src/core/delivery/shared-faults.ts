const withinMs = 60_000
const enough = 3
const maxTracked = 64

/**
 * Tells a function's own fault from one that many share: true when three functions or more fail alike within a minute
 * (decisions P1 and P2). Bounded and pure: time is passed in.
 */
export class SharedFaults {
  readonly #seen = new Map<string, Map<string, number>>()

  /** Notes that `functionName` failed with this `kind`, e.g. `S4`; true when the fault is shared. */
  note(kind: string, functionName: string, now: number): boolean {
    const functions = this.#seen.get(kind) ?? new Map<string, number>()
    this.#seen.set(kind, functions)
    functions.delete(functionName)
    functions.set(functionName, now)
    for (const [name, at] of functions) {
      if (now - at <= withinMs && functions.size <= maxTracked) break
      functions.delete(name)
    }
    return functions.size >= enough
  }

  /** The function answered well: what it failed with before is over. */
  clear(functionName: string): void {
    for (const functions of this.#seen.values()) functions.delete(functionName)
  }
}
