import { formatDuration, printable } from '@millrace/sdk'
import type { CliIo } from '../io.ts'

/** What a replay has done so far. */
export interface Counts {
  readonly delivered: number
  readonly failed: number
  readonly left: number
}

/** Progress on standard error: one line that overwrites itself on a terminal, else a line every five seconds. */
export const createProgress = (
  total: number,
  io: CliIo,
  now: () => number,
): { update(counts: Counts): void; note(text: string): void; end(): void } => {
  const startedAt = now()
  let saidAt = startedAt
  let width = 0
  const clear = (): void => {
    if (io.progress && width > 0) io.err(`\r${' '.repeat(width)}\r`)
    width = 0
  }
  return {
    update({ delivered, failed, left }) {
      const at = now()
      if (at - saidAt < (io.progress ? 100 : 5000)) return
      saidAt = at
      const ended = delivered + failed + left
      const perMs = ended / Math.max(1, at - startedAt)
      const rest = formatDuration(Math.ceil((total - ended) / Math.max(perMs, 1e-9) / 1000) * 1000)
      const text = `${ended} of ${total}: ${delivered} delivered, ${failed} failed, ${left} left; ${(perMs * 1000).toFixed(1)}/s, ${rest} to go`
      clear()
      io.err(io.progress ? text : `${text}\n`)
      width = text.length
    },
    note(text) {
      clear()
      io.err(`${printable(text, 500)}\n`)
    },
    end: clear,
  }
}
