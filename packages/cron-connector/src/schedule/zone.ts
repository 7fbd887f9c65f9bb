const DAY = 86_400_000

/** A change of a zone's UTC offset. `at` in epoch milliseconds, offsets in milliseconds. */
export interface OffsetChange {
  readonly at: number
  readonly before: number
  readonly after: number
}

/** A time zone. The rules are those of the ICU data that Node carries. */
export interface Zone {
  /** As it was written. */
  readonly name: string
  /** Milliseconds to add to UTC to get local time. */
  offsetAt(at: number): number
  /** The first change later than `at`. When a year or more has none: a point that far away with equal offsets. */
  nextChange(at: number): OffsetChange
  /** The latest change in `(at - within, at]`. */
  lastChange(at: number, within: number): OffsetChange | undefined
}

const yearStart = (year: number): number => Date.UTC(year, 0, 1)
const yearOf = (at: number): number => new Date(at).getUTCFullYear()
/** Years kept for one zone. A sparse schedule walks decades once. */
const MAX_YEARS = 256

/** A year of a zone. */
interface YearOfZone {
  /** At the first instant of the year (UTC). */
  readonly offset: number
  /** Changes in `(start of the year, start of the next]`. */
  readonly changes: readonly OffsetChange[]
}

class IntlZone implements Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #years = new Map<number, YearOfZone>()

  constructor(name: string) {
    this.name = name
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  }

  offsetAt(at: number): number {
    const { offset, changes } = this.#year(yearOf(at))
    return changes.findLast((change) => change.at <= at)?.after ?? offset
  }

  #probe(at: number): number {
    const second = Math.floor(at / 1000) * 1000
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, sec = 0] = (this.#format.format(second).match(/\d+/g) ?? []).map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, sec) - second
  }

  nextChange(at: number): OffsetChange {
    const year = yearOf(at)
    for (const candidate of [year, year + 1]) {
      const found = this.#year(candidate).changes.find((change) => change.at > at)
      if (found !== undefined) return found
    }
    const end = yearStart(year + 2)
    const offset = this.offsetAt(end)
    return { at: end, before: offset, after: offset }
  }

  lastChange(at: number, within: number): OffsetChange | undefined {
    for (const year of new Set([yearOf(at), yearOf(at - within)])) {
      const found = this.#year(year).changes.findLast((change) => change.at <= at)
      if (found !== undefined) return found.at > at - within ? found : undefined
    }
    return undefined
  }

  #year(year: number): YearOfZone {
    const known = this.#years.get(year)
    if (known !== undefined) return known
    const found: OffsetChange[] = []
    const end = yearStart(year + 1)
    let low = yearStart(year)
    const offset = this.#probe(low)
    let before = offset
    while (low < end) {
      const high = Math.min(low + DAY, end)
      const after = this.#probe(high)
      if (after !== before) found.push({ at: this.#bisect(low, high, before), before, after })
      low = high
      before = after
    }
    if (this.#years.size >= MAX_YEARS) this.#years.clear()
    const whole = { offset, changes: found }
    this.#years.set(year, whole)
    return whole
  }

  /** The first second after `low` whose offset is not `before`. */
  #bisect(low: number, high: number, before: number): number {
    let [old, changed] = [low, high]
    while (changed - old > 1000) {
      const middle = Math.floor((old + changed) / 2000) * 1000
      if (this.#probe(middle) === before) old = middle
      else changed = middle
    }
    return changed
  }
}

/** IANA names only: `Intl` would also take `+01:00`. */
const ianaName = /^[A-Za-z][A-Za-z0-9_+-]{0,31}(?:\/[A-Za-z0-9_+-]{1,31}){0,2}$/

const zones = new Map<string, Zone>()

/** The zone of an IANA name such as `Europe/Berlin`; `undefined` when there is none. One object a zone, so that its changes are found once. */
export const zoneOf = (name: string): Zone | undefined => {
  const known = zones.get(name)
  if (known !== undefined) return known
  if (!ianaName.test(name)) return undefined
  try {
    const zone = new IntlZone(name)
    // Names are compared without case, so hostile spellings could fill the cache.
    if (zones.size < 2048) zones.set(name, zone)
    return zone
  } catch {
    return undefined
  }
}
