import type { OffsetRun } from '@millrace/sdk'

/** Kafka's own bound is 4096 bytes (`offset.metadata.max.bytes`); a quarter is left to whoever lowered it. */
export const maxMetadataBytes = 3072
const mark = 'm1:'
const maxRuns = 2000

const digits = (value: number): string => value.toString(36)

/**
 * What is finished above the committed position, as text for the commit's metadata: `m1:` and, for each run, the gap before it and its
 * length, in base 36. Runs that do not fit are left out from the end: they would run again after a crash, and no more than that.
 */
export const encodeRuns = (position: number, runs: readonly OffsetRun<number>[], maxBytes: number = maxMetadataBytes): string => {
  let text = ''
  let at = position
  for (const { from, through } of runs) {
    const part = `${text === '' ? mark : ','}${digits(from - at)}.${digits(through - from)}`
    if (text.length + part.length > maxBytes) break
    text += part
    at = through
  }
  return text
}

/** The inverse of `encodeRuns`. Anybody may have written the metadata: what has another form holds no runs. */
export const decodeRuns = (position: number, metadata: string): readonly OffsetRun<number>[] => {
  if (!metadata.startsWith(mark) || metadata.length > 4096) return []
  const runs: OffsetRun<number>[] = []
  let at = position
  for (const part of metadata.slice(mark.length).split(',')) {
    const match = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/.exec(part)
    const from = at + Number.parseInt(match?.[1] ?? '', 36)
    const through = from + Number.parseInt(match?.[2] ?? '', 36)
    if (!Number.isSafeInteger(through) || through <= from || from < at || runs.length >= maxRuns) return []
    runs.push({ from, through })
    at = through
  }
  return runs
}
