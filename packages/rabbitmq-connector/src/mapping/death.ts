import type { FieldTable, FieldValue } from '../transport/message.ts'
import { isTable } from './field-text.ts'

const maxDeaths = 5

const wordOf = (value: FieldValue | undefined): string => (typeof value === 'string' ? value.slice(0, 255).replaceAll(/[;,]/g, '_') : '')

/**
 * `x-death` in a line, newest first, at most five: `orders;reason=rejected;count=2, ...`. It has several KiB after some rounds.
 *
 * @param isOurs delay queues: that a retry has waited there is nobody's business
 */
export const deathSummary = (headers: FieldTable, isOurs: (queue: string) => boolean): string | undefined => {
  const deaths = headers.get('x-death')
  if (!Array.isArray(deaths)) return undefined
  const lines: string[] = []
  for (const death of deaths as readonly FieldValue[]) {
    if (lines.length === maxDeaths) break
    if (!isTable(death)) continue
    const queue = wordOf(death.get('queue'))
    if (queue === '' || isOurs(queue)) continue
    const count = death.get('count')
    lines.push(`${queue};reason=${wordOf(death.get('reason'))};count=${typeof count === 'number' ? count : 1}`)
  }
  return lines.length === 0 ? undefined : lines.join(', ')
}
