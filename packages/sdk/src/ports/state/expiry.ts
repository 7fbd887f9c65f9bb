/** Keys that expire close to each other are looked at together. */
const GRAIN_MS = 5000

/**
 * Which keys may have expired, at a cost that does not depend on how many there are. It says when to look; whether a key has expired says
 * its entry.
 */
export class ExpiryIndex {
  /** By the number of the grain in which they expire. */
  readonly #grains = new Map<number, Set<string>>()
  #swept = Number.NEGATIVE_INFINITY

  add(key: string, expiresAt: number): void {
    const grain = Math.floor(expiresAt / GRAIN_MS)
    const keys = this.#grains.get(grain)
    if (keys === undefined) this.#grains.set(grain, new Set([key]))
    else keys.add(key)
  }

  remove(key: string, expiresAt: number): void {
    const grain = Math.floor(expiresAt / GRAIN_MS)
    const keys = this.#grains.get(grain)
    if (keys?.delete(key) === true && keys.size === 0) this.#grains.delete(grain)
  }

  /** Keys whose time has passed; each is given once. Within a grain there are none, so this may be asked before every put. */
  due(now: number): readonly string[] {
    const grain = Math.floor(now / GRAIN_MS)
    // A wall clock that was set back is no reason to look more often.
    if (grain <= this.#swept) return []
    this.#swept = grain
    const due: string[] = []
    for (const [other, keys] of this.#grains) {
      if (other >= grain) continue
      for (const key of keys) due.push(key)
      this.#grains.delete(other)
    }
    return due
  }
}
