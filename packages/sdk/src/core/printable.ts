/**
 * What could forge a line, hide text or turn it around: control characters, line and paragraph separators,
 * zero-width and bidirectional formatting characters, lone surrogates.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escape = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/**
 * Text from outside made fit for a log line, a page or a report: on one line, every character visible, at most `max`
 * characters (an ellipsis marks a cut). The work is bounded by `max`, whatever the length of `text`.
 */
export const printable = (text: string, max: number): string => {
  const head = text.length > max ? text.slice(0, max) : text
  const safe = head.replaceAll(unsafe, escape)
  if (safe.length <= max && head.length === text.length) return safe
  return `${safe.slice(0, max - 1)}…`
}
