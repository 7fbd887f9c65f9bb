import { printable } from '../../core/printable.ts'

const show = (value: unknown): string => {
  if (typeof value !== 'string') return printable(JSON.stringify(value) ?? '', 2000)
  const safe = printable(value, 2000)
  return /^[\w./:@+-]+$/.test(safe) ? safe : JSON.stringify(safe)
}

/** A JSON line as a line for people: `12:00:00.000 INFO  message  name=value`. Each line in gives exactly one line out. */
export const consoleLine = (json: string): string => {
  const { time, level, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>
  const clock = typeof time === 'string' ? time.slice(11, 23) : ''
  const name = typeof level === 'string' ? level.toUpperCase().padEnd(5) : ''
  const rest = Object.entries(fields).map(([key, value]) => `${printable(key, 100)}=${show(value)}`)
  return `${[`${clock} ${name} ${printable(typeof msg === 'string' ? msg : '', 2000)}`, ...rest].join('  ')}\n`
}
