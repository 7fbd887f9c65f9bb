import type { Invocation } from './events.ts'

/** Text from outside, fit for a terminal: control characters escaped, cut. */
export const printable = (text: string, max = 120): string => {
  // oxlint-disable-next-line no-control-regex
  const safe = text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return safe.length > max ? `${safe.slice(0, max - 1)}…` : safe
}

const field = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : ` ${name}=${printable(String(value))}`

/** One line of a call: function, status, time, topic, event, attempt. Never a payload. */
export const invocationLine = (call: Invocation): string => {
  const status = call.status === undefined ? 'broken' : String(call.status)
  const kind = call.queued ? ' queued' : ''
  const fields = field('topic', call.topic) + field('event', call.eventId) + field('attempt', call.attempt) + field('fault', call.fault)
  return `${printable(call.function)} ${status}${kind} ${call.durationMs.toFixed(1)}ms${fields}`
}
