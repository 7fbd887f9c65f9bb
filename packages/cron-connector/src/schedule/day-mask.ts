import type { Fields, MonthDayRule, WeekDayRule } from './fields.ts'

const weekdayOf = (day: number, first: number): number => (first + day - 1) % 7

/** The Monday to Friday nearest to `day`, never in another month. */
const nearestWeekday = (day: number, length: number, first: number): number => {
  const weekday = weekdayOf(day, first)
  if (weekday === 6) return day === 1 ? 3 : day - 1
  if (weekday === 0) return day === length ? day - 2 : day + 1
  return day
}

const ruleDay = (rule: MonthDayRule, length: number, first: number): number => {
  if (rule.kind === 'last') return length - rule.before
  if (rule.kind === 'last-weekday') return nearestWeekday(length, length, first)
  return rule.day > length ? 0 : nearestWeekday(rule.day, length, first)
}

const weekRuleDay = (rule: WeekDayRule, length: number, first: number): number => {
  const earliest = 1 + ((rule.weekday - first + 7) % 7)
  if (rule.occurrence === 'last') return earliest + Math.floor((length - earliest) / 7) * 7
  return earliest + (rule.occurrence - 1) * 7
}

/**
 * The days of one month that match, as bits 1 to 31.
 *
 * @param length days of the month
 * @param first weekday of its first day, Sunday 0
 */
export const dayMask = (fields: Fields, dayMatch: 'or' | 'and', length: number, first: number): number => {
  const monthDays = new Set([...fields.dayOfMonth, ...fields.dayRules.map((rule) => ruleDay(rule, length, first))])
  const weekRuleDays = new Set(fields.weekRules.map((rule) => weekRuleDay(rule, length, first)))
  const weekdays = new Set(fields.dayOfWeek)
  const both = dayMatch === 'and' || fields.anyDayOfMonth || fields.anyDayOfWeek
  let mask = 0
  for (let day = 1; day <= length; day += 1) {
    const byMonth = fields.anyDayOfMonth || monthDays.has(day)
    const byWeek = fields.anyDayOfWeek || weekdays.has(weekdayOf(day, first)) || weekRuleDays.has(day)
    if (both ? byMonth && byWeek : byMonth || byWeek) mask |= 1 << day
  }
  return mask
}
