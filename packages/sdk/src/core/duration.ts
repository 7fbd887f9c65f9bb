/** Longest text that is read; Go's own longest print has 24 characters. */
const MAX_LENGTH = 64

const NANOSECONDS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00B5s', 1_000n],
  ['\u03BCs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const MAX_NANOSECONDS = 2n ** 63n - 1n

const part = /(\d*)(?:\.(\d*))?(ns|us|\u00B5s|\u03BCs|ms|s|m|h)/uy

/**
 * Reads a Go duration (https://pkg.go.dev/time#ParseDuration), e.g. `300ms`, `1.5h`, `2m30s`, `-1s`, `0`.
 * A bare number has no unit and is refused, as in Go, except `0`.
 *
 * @returns milliseconds, with fractions for parts below 1 ms; `undefined` when the text is not a duration of at most 2^63-1 ns
 */
export const parseGoDuration = (text: string): number | undefined => {
  if (text.length > MAX_LENGTH) return undefined
  const negative = text.startsWith('-')
  const body = negative || text.startsWith('+') ? text.slice(1) : text
  if (body === '0') return 0
  if (body === '') return undefined
  let total = 0n
  part.lastIndex = 0
  while (part.lastIndex < body.length) {
    const found = part.exec(body)
    if (found === null) return undefined
    const [, whole = '', fraction = '', unit = ''] = found
    if (whole === '' && fraction === '') return undefined
    const size = NANOSECONDS.get(unit) ?? 0n
    total += BigInt(whole || '0') * size + (fraction === '' ? 0n : (BigInt(fraction) * size) / 10n ** BigInt(fraction.length))
  }
  if (total > MAX_NANOSECONDS) return undefined
  const ms = Number(total / 1_000_000n) + Number(total % 1_000_000n) / 1e6
  return negative && ms !== 0 ? -ms : ms
}

const trimZeros = (text: string): string => (text.includes('.') ? text.replace(/0{1,6}$/, '').replace(/\.$/, '') : text)

/** Below one second in milliseconds, above it in seconds; at most nanoseconds fine. */
const formatRest = (ms: number): string => (ms < 1000 ? `${trimZeros(ms.toFixed(6))}ms` : `${trimZeros((ms / 1000).toFixed(6))}s`)

/**
 * Prints milliseconds as a Go duration without empty parts: `2m`, `1h30m`, `1.5s`, `250ms`, `0s`.
 * `parseGoDuration` reads it back to the same whole number of milliseconds.
 *
 * @param ms finite milliseconds; anything else gives `0s`
 */
export const formatDuration = (ms: number): string => {
  if (!Number.isFinite(ms) || ms === 0) return '0s'
  if (ms < 0) return `-${formatDuration(-ms)}`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms - hours * 3_600_000) / 60_000)
  const rest = ms - hours * 3_600_000 - minutes * 60_000
  const text = `${hours > 0 ? `${String(BigInt(hours))}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${rest > 0 ? formatRest(rest) : ''}`
  return text === '' ? '0s' : text
}
