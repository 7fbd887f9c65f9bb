import { parseTopicPattern } from '@millrace/sdk'
import type { ExchangeType } from '../transport/transport.ts'
import { byteLength, maxNameBytes } from './names.ts'

const isWild = (segment: string): boolean => segment === '*' || segment === '#' || segment === '>'

/**
 * A routing key or pattern as functions write it, as the exchange is asked for it. RabbitMQ has `*` and `#` with our meaning (also for
 * empty words) and no `>`, which is `*.#`.
 */
export const bindingKey = (text: string, type: ExchangeType): { readonly key: string } | { readonly problem: string } => {
  const parsed = parseTopicPattern(text)
  if ('problem' in parsed) return parsed
  if (!parsed.exact && type !== 'topic') return { problem: `an exchange of type ${type} has no wildcards; use one of type topic` }
  const key = type === 'topic' && (text === '>' || text.endsWith('.>')) ? `${text.slice(0, -1)}*.#` : text
  return byteLength(key) > maxNameBytes ? { problem: `a routing key has at most ${maxNameBytes} bytes` } : { key }
}

/** `>` as `*`, `#`, and repeats of `#` as one. */
const segmentsOf = (pattern: string): readonly string[] => {
  if (pattern === '') return []
  const segments = pattern.split('.').flatMap((segment) => (segment === '>' ? ['*', '#'] : [segment]))
  return segments.filter((segment, index) => segment !== '#' || segments[index - 1] !== '#')
}

/**
 * Whether one topic could match both patterns. Exact topics are patterns too. Steps at most segments × segments.
 */
export const patternsMeet = (left: string, right: string): boolean => {
  const a = segmentsOf(left)
  const b = segmentsOf(right)
  if (!a.some(isWild) && !b.some(isWild)) return left === right
  // reach[j]: the rest of `a` from the row on, and of `b` from j on, have a topic in common; filled from the ends.
  let below: boolean[] = []
  for (let i = a.length; i >= 0; i -= 1) {
    const row: boolean[] = Array.from({ length: b.length + 1 }, () => false)
    for (let j = b.length; j >= 0; j -= 1) {
      const [one, other] = [a[i], b[j]]
      const done = one === undefined && other === undefined
      const leftWidens = one === '#' && ((below[j] ?? false) || (other !== undefined && (row[j + 1] ?? false)))
      const rightWidens = other === '#' && ((row[j + 1] ?? false) || (one !== undefined && (below[j] ?? false)))
      const both = one !== undefined && other !== undefined
      const step = both && one !== '#' && other !== '#' && (one === '*' || other === '*' || one === other) && (below[j + 1] ?? false)
      row[j] = done || leftWidens || rightWidens || step
    }
    below = row
  }
  return below[0] ?? false
}
