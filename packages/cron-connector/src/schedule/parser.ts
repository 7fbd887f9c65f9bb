import cron from 'node-cron'
import type { FieldName, Fields, MonthDayRule, WeekDayRule } from './fields.ts'
import { quote } from './result.ts'
import type { Result } from './result.ts'

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const weekdays = 'sun mon tue wed thu fri sat'.split(' ')
const longMonths = 'january february march april may june july august september october november december'.split(' ')
const longWeekdays = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ')

interface FieldRule {
  readonly name: FieldName
  readonly label: string
  readonly max: number
  readonly allowed: string
  /** One item of the field's list. */
  readonly item: RegExp
}

const itemOf = (names: readonly string[], special?: string): RegExp => {
  const value = `(?:\\d{1,2}${names.map((name) => `|${name}`).join('')})`
  return new RegExp(`^(?:(?:[*?]|${value}(?:-${value})?)(?:/\\d{1,4})?${special === undefined ? '' : `|${special}`})$`, 'i')
}

const monthDays = 'L(?:-\\d{1,2})?|\\d{1,2}W|LW'
const weekNames = [...longWeekdays, ...weekdays]
const weekSpecial = `(?:[0-7]|${weekNames.join('|')})(?:L|#[1-5])`

const rules: readonly FieldRule[] = [
  { name: 'second', label: 'second', max: 59, allowed: '0-59', item: itemOf([]) },
  { name: 'minute', label: 'minute', max: 59, allowed: '0-59', item: itemOf([]) },
  { name: 'hour', label: 'hour', max: 23, allowed: '0-23', item: itemOf([]) },
  { name: 'dayOfMonth', label: 'day of month', max: 31, allowed: '1-31, L, L-n, nW, LW', item: itemOf([], monthDays) },
  { name: 'month', label: 'month', max: 12, allowed: '1-12, jan-dec', item: itemOf([...longMonths, ...months]) },
  { name: 'dayOfWeek', label: 'day of week', max: 6, allowed: '0-7, sun-sat, nL, n#k', item: itemOf(weekNames, weekSpecial) },
]

const bare = /^(\d{1,2}|[a-z]+)\/(\d+)$/i

/** robfig reads `n/step` as `n-max/step` and `?` as `*` in every field; node-cron knows neither. */
const rewriteItem = (item: string, rule: FieldRule): string => {
  const plain = item.startsWith('?') ? `*${item.slice(1)}` : item
  const match = bare.exec(plain)
  return match === null ? plain : `${match[1]}-${rule.max}/${match[2]}`
}

const isStar = (item: string): boolean => {
  if (item === '*') return true
  return item.startsWith('*/') && Number(item.slice(2)) === 1
}

const numbers = (values: readonly (number | string)[]): number[] =>
  [...new Set(values.filter((value) => typeof value === 'number'))].toSorted((a, b) => a - b)

const dayRule = (token: string): MonthDayRule => {
  if (token === 'LW') return { kind: 'last-weekday' }
  if (token.endsWith('W')) return { kind: 'nearest', day: Number(token.slice(0, -1)) }
  return { kind: 'last', before: token === 'L' ? 0 : Number(token.slice(2)) }
}

const weekRule = (token: string): WeekDayRule => {
  const weekday = Number(token[0]) % 7
  return token.endsWith('L') ? { weekday, occurrence: 'last' } : { weekday, occurrence: Number(token.slice(2)) }
}

const tokens = (values: readonly (number | string)[]): string[] => values.filter((value) => typeof value === 'string')

const checkField = (text: string, rule: FieldRule): Result<string> => {
  const items = text.split(',')
  const wrong = items.find((item) => !rule.item.test(item) || /\/0+$/.test(item))
  if (wrong !== undefined)
    return { problem: `${rule.label} ${quote(wrong, 40)} is not understood; allowed: ${rule.allowed}, lists, ranges, steps above 0` }
  return { value: items.map((item) => rewriteItem(item, rule)).join(',') }
}

/**
 * Reads the fields of one expression (five, or six with the second first; blanks already made single).
 *
 * node-cron does the reading; an own grammar stands before it because node-cron 4.6.0 expands `1-99999999999` into an array
 * and takes `janfeb` for December. The month is read by itself because node-cron rejects `0 0 30 2 1`, which runs on Mondays.
 */
export const parseFields = (parts: readonly string[]): Result<{ readonly fields: Fields; readonly normalised: string }> => {
  const texts = parts.length === 5 ? ['0', ...parts] : [...parts]
  const clean: string[] = []
  for (const [index, rule] of rules.entries()) {
    const checked = checkField(texts[index] ?? '', rule)
    if ('problem' in checked) return checked
    clean.push(checked.value)
  }
  const [second = '', minute = '', hour = '', day = '', month = '', week = ''] = clean
  try {
    const times = cron.validateDetailed(`${second} ${minute} ${hour} ${day} * ${week}`)
    const season = month === '*' ? times : cron.validateDetailed(`0 0 0 * ${month} *`)
    const error = times.errors[0] ?? season.errors[0]
    if (error !== undefined || times.fields === undefined || season.fields === undefined) {
      const rule = rules.find(({ name }) => name === error?.field)
      return {
        problem: `${rule?.label ?? 'the expression'} ${quote(String(error?.value ?? ''), 40)} is out of range; allowed: ${rule?.allowed ?? 'five or six fields'}`,
      }
    }
    const parsed = times.fields
    const fields: Fields = {
      second: numbers(parsed.second),
      minute: numbers(parsed.minute),
      hour: numbers(parsed.hour),
      dayOfMonth: numbers(parsed.dayOfMonth),
      dayRules: tokens(parsed.dayOfMonth).map((token) => dayRule(token.toUpperCase())),
      month: numbers(season.fields.month),
      dayOfWeek: numbers(parsed.dayOfWeek),
      weekRules: tokens(parsed.dayOfWeek).map((token) => weekRule(token.toUpperCase())),
      anyDayOfMonth: day.split(',').some(isStar),
      anyDayOfWeek: week.split(',').some(isStar),
      interval: [second, minute, hour].some((text) => text.startsWith('*')),
    }
    return { value: { fields, normalised: (parts.length === 5 ? clean.slice(1) : clean).join(' ').toLowerCase() } }
  } catch {
    return { problem: 'the expression is not understood; expected five or six cron fields' }
  }
}
