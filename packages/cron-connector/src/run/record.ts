import { describeError } from '@millrace/sdk'
import type { Trigger } from './plan.ts'

/** A claimed slot that is not settled. */
export interface OpenSlot {
  readonly trigger: Trigger
  readonly missed: number
}

/** What is stored for a schedule. */
export interface ScheduleRecord {
  /** Newest slot that was claimed or given up, epoch seconds. */
  cursor: number
  /** Claimed and not settled, by slot. After a crash exactly these fire again. */
  readonly open: Map<number, OpenSlot>
  /** Slots claimed since the first sight. */
  runs: number
  /** It was suspended when it was written: what passed meanwhile is not caught up. */
  suspended: boolean
}

const decoder = new TextDecoder()

/** The record as JSON. All its parts are numbers or words of ours, so nothing needs escaping. */
export const recordText = ({ cursor, runs, suspended, open }: ScheduleRecord): string => {
  let slots = ''
  for (const [slot, { trigger, missed }] of open) slots += `${slots === '' ? '' : ','}[${slot},"${trigger}",${missed}]`
  return `{"v":1,"cursor":${cursor},"runs":${runs},${suspended ? '"suspended":true,' : ''}"open":[${slots}]}`
}

/** Bytes of the record. */
export const encodeRecord = (record: ScheduleRecord): Uint8Array => Buffer.from(recordText(record))

const readOpen = (entry: unknown): [number, OpenSlot] => {
  const [slot, trigger, missed] = Array.isArray(entry) ? (entry as unknown[]) : []
  if (!Number.isSafeInteger(slot) || (trigger !== 'schedule' && trigger !== 'catch-up') || !Number.isSafeInteger(missed))
    throw new Error('an open slot is malformed')
  return [slot as number, { trigger, missed: missed as number }]
}

/** The record, or why the bytes are none. */
export const decodeRecord = (bytes: Uint8Array): { readonly value: ScheduleRecord } | { readonly problem: string } => {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(bytes))
    if (typeof parsed !== 'object' || parsed === null) throw new Error('it is no object')
    const { v, cursor, runs, open, suspended } = parsed as Record<string, unknown>
    if (v !== 1) throw new Error(`its version is ${describeError(String(v), 20)}, this release reads version 1`)
    if (!Number.isSafeInteger(cursor) || !Number.isSafeInteger(runs) || !Array.isArray(open)) throw new Error('a field is missing')
    return { value: { cursor: cursor as number, runs: runs as number, open: new Map(open.map(readOpen)), suspended: suspended === true } }
  } catch (error) {
    return { problem: describeError(error, 200) }
  }
}
