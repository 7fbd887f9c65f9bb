/** Names of the six fields, in their order. */
export type FieldName = 'second' | 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek'

/** A day rule beyond plain numbers. */
export type MonthDayRule =
  /** `L` is 0 before the last day, `L-3` is 3. */
  | { readonly kind: 'last'; readonly before: number }
  /** `15W`: the weekday nearest to that day, in the same month. */
  | { readonly kind: 'nearest'; readonly day: number }
  /** `LW`: the last Monday to Friday of the month. */
  | { readonly kind: 'last-weekday' }

/** `5L` is the last Friday (occurrence `last`), `1#3` the third Monday. Sunday is 0. */
export interface WeekDayRule {
  readonly weekday: number
  readonly occurrence: number | 'last'
}

/** A parsed expression: ascending, without repeats. */
export interface Fields {
  readonly second: readonly number[]
  readonly minute: readonly number[]
  readonly hour: readonly number[]
  readonly dayOfMonth: readonly number[]
  readonly dayRules: readonly MonthDayRule[]
  /** 1 to 12. */
  readonly month: readonly number[]
  /** 0 (Sunday) to 6. */
  readonly dayOfWeek: readonly number[]
  readonly weekRules: readonly WeekDayRule[]
  /** robfig's star bit: some item of the field is `*`, `?` or `*` with a step of 1. */
  readonly anyDayOfMonth: boolean
  readonly anyDayOfWeek: boolean
  /** The second, minute or hour field begins with `*`: real time goes on through a change of the offset. */
  readonly interval: boolean
}
