import { dayMask } from './day-mask.ts'
import type { Fields } from './fields.ts'

const DAY = 86_400_000
const NONE = 255

/** How the two day fields combine when both are restricted. */
export type DayMatch = 'or' | 'and'

/** Finds the local times that an expression names. Local times are read as UTC, in epoch milliseconds on whole seconds. */
export interface Matcher {
  readonly interval: boolean
  /** The first matching local time in `[from, to)`. */
  nextWall(from: number, to: number): number | undefined
  /** False for a date that no calendar has, such as 30 February. */
  readonly possible: boolean
}

/** `table[v]`: the first allowed value at or after `v`. */
const nextTable = (values: readonly number[], size: number): Uint8Array => {
  const table = new Uint8Array(size + 1).fill(NONE)
  const allowed = new Set(values)
  for (let value = size - 1; value >= 0; value -= 1) table[value] = allowed.has(value) ? value : (table[value + 1] ?? NONE)
  return table
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

class FieldMatcher implements Matcher {
  readonly interval: boolean
  readonly possible: boolean
  readonly #seconds: Uint8Array
  readonly #minutes: Uint8Array
  readonly #hours: Uint8Array
  readonly #months: ReadonlySet<number>
  readonly #fields: Fields
  readonly #dayMatch: DayMatch
  /** Masks by length of the month and weekday of its first day: 28 at most. */
  readonly #masks = new Map<number, number>()

  constructor(fields: Fields, dayMatch: DayMatch) {
    this.interval = fields.interval
    this.#fields = fields
    this.#dayMatch = dayMatch
    this.#seconds = nextTable(fields.second, 60)
    this.#minutes = nextTable(fields.minute, 60)
    this.#hours = nextTable(fields.hour, 24)
    this.#months = new Set(fields.month)
    // The calendar repeats after 400 years, and every combination of length and weekday occurs within 40.
    this.possible = this.#nextDay(Date.UTC(2000, 0, 1), Date.UTC(2040, 0, 1)) !== undefined
  }

  nextWall(from: number, to: number): number | undefined {
    let wall = Math.ceil(from / 1000) * 1000
    while (wall < to) {
      const start = Math.floor(wall / DAY) * DAY
      const day = this.#nextDay(start, to)
      if (day === undefined) return undefined
      const time = this.#nextTime(day === start ? (wall - start) / 1000 : 0)
      if (time !== undefined) return day + time * 1000 < to ? day + time * 1000 : undefined
      wall = day + DAY
    }
    return undefined
  }

  /** The first matching day at or after midnight `start`, before `to`. */
  #nextDay(start: number, to: number): number | undefined {
    const date = new Date(start)
    let year = date.getUTCFullYear()
    let month = date.getUTCMonth() + 1
    let from = date.getUTCDate()
    for (;;) {
      const first = Date.UTC(year, month - 1, 1)
      if (first >= to) return undefined
      if (this.#months.has(month)) {
        const rest = this.#mask(year, month, first) & (-1 << from)
        if (rest !== 0) {
          const day = first + (31 - Math.clz32(rest & -rest) - 1) * DAY
          return day < to ? day : undefined
        }
      }
      from = 1
      month = month === 12 ? 1 : month + 1
      if (month === 1) year += 1
    }
  }

  #mask(year: number, month: number, first: number): number {
    const length = daysIn(year, month)
    const weekday = new Date(first).getUTCDay()
    const key = length * 7 + weekday
    const known = this.#masks.get(key)
    if (known !== undefined) return known
    const mask = dayMask(this.#fields, this.#dayMatch, length, weekday)
    this.#masks.set(key, mask)
    return mask
  }

  /** The first matching second of a day at or after `from`. */
  #nextTime(from: number): number | undefined {
    let hour = Math.floor(from / 3600)
    let minute = Math.floor(from / 60) % 60
    let second = this.#seconds[from % 60] ?? NONE
    if (second === NONE) {
      minute += 1
      second = this.#seconds[0] ?? NONE
    }
    const sameMinute = this.#minutes[minute] ?? NONE
    if (sameMinute !== minute) second = this.#seconds[0] ?? NONE
    minute = sameMinute
    if (minute === NONE) {
      hour += 1
      minute = this.#minutes[0] ?? NONE
    }
    const found = this.#hours[hour] ?? NONE
    if (found === NONE) return undefined
    if (found !== hour) return found * 3600 + (this.#minutes[0] ?? 0) * 60 + (this.#seconds[0] ?? 0)
    return found * 3600 + minute * 60 + second
  }
}

const compiled = new WeakMap<Fields, Map<DayMatch, Matcher>>()

/** Compiles parsed fields, once for each object: a matcher has no position, so schedules share it. */
export const createMatcher = (fields: Fields, dayMatch: DayMatch): Matcher => {
  const known = compiled.get(fields) ?? new Map<DayMatch, Matcher>()
  compiled.set(fields, known)
  const matcher = known.get(dayMatch) ?? new FieldMatcher(fields, dayMatch)
  known.set(dayMatch, matcher)
  return matcher
}
