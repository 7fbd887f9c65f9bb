/**
 * Milliseconds that a `Retry-After` header asks for: delta-seconds or an HTTP date (RFC 9110 section 10.2.3).
 * A past date means now. Negative, unparsable or repeated values give `undefined`: back-off decides. Cut to `capMs`.
 */
export const parseRetryAfter = (value: string | readonly string[] | undefined, now: number, capMs: number): number | undefined => {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d{1,64}$/.test(text)) return Math.min(Number(text) * 1000, capMs)
  // A date has a letter; without this check Date.parse would take "-5" or "1.5" for a year.
  if (!/^[A-Za-z]{3}/.test(text) || text.length > 64) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) return undefined
  return Math.min(Math.max(0, at - now), capMs)
}
