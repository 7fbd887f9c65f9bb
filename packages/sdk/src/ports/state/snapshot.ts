import { MillraceError } from '../../core/errors.ts'
import { replaceFile, systemCode } from '../journal/disk.ts'
import { LineWriter } from '../journal/frame.ts'
import { JOURNAL_VERSION } from '../journal/recover.ts'
import { scanSegment } from '../journal/segment.ts'
import { parseStateRecord, type StateRecord } from './records.ts'

export const SNAPSHOT = 'snapshot.jsonl'

/** Characters that are encoded in one turn of the event loop. */
const PART = 1 << 17
const MAX_LINE = 8 << 20

/** Lines of the journal's form, each with durable offset 0: the file is durable as a whole or not there. */
function* encode(records: Iterable<string>, segment: number): Generator<Uint8Array> {
  const lines = new LineWriter(0)
  let size = 0
  let count = 0
  lines.add(JSON.stringify({ millrace: 'state-snapshot', version: JOURNAL_VERSION, segment }))
  for (const record of records) {
    lines.add(record)
    count++
    size += record.length
    if (size < PART) continue
    yield lines.take()
    size = 0
  }
  lines.add(JSON.stringify({ end: count }))
  yield lines.take()
}

/** Puts a new snapshot in place of the old one. It stands for all segments below `segment`. */
export const writeSnapshot = (directory: string, records: Iterable<string>, segment: number): Promise<number> =>
  replaceFile(directory, SNAPSHOT, encode(records, segment))

const readHead = (payload: Buffer): number => {
  const head = JSON.parse(payload.toString()) as { readonly millrace?: unknown; readonly version?: unknown; readonly segment?: unknown }
  if (head.millrace !== 'state-snapshot' || head.version !== JOURNAL_VERSION || !Number.isSafeInteger(head.segment)) {
    throw new MillraceError('E_JOURNAL_FORMAT', { file: SNAPSHOT, kind: 'state-snapshot', version: JOURNAL_VERSION })
  }
  return head.segment as number
}

const readEnd = (payload: Buffer): number | undefined => {
  const match = /^\{"end":(\d+)\}$/.exec(payload.toString('latin1', 0, 40))
  return match === null ? undefined : Number(match[1])
}

/** Reads the snapshot. Resolves with the first segment to replay after it, 1 without a snapshot; with the first bad byte when it is damaged. */
export const readSnapshot = async (
  directory: string,
  apply: (record: StateRecord) => void,
): Promise<{ readonly segment: number } | { readonly damagedAt: number }> => {
  let segment: number | undefined
  let count = 0
  let ended = false
  let at = 0
  try {
    for await (const lines of scanSegment(`${directory}/${SNAPSHOT}`, MAX_LINE)) {
      for (const { offset, end, frame } of lines) {
        if (frame === undefined || ended) return { damagedAt: offset }
        at = end
        if (segment === undefined) {
          segment = readHead(frame.payload)
          continue
        }
        const total = readEnd(frame.payload)
        if (total === undefined) {
          apply(parseStateRecord(frame.payload))
          count++
        } else if (total === count) ended = true
        else return { damagedAt: offset }
      }
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { segment: 1 }
    throw error
  }
  return segment !== undefined && ended ? { segment } : { damagedAt: at }
}
