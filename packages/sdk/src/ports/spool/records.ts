import type { MillraceEvent } from '../../contract/event.ts'
import { eventFromJson, eventToJson } from '../../core/letters/event-codec.ts'
import { JsonFields } from '../../core/letters/json-fields.ts'

/** An accepted event as one line. The number comes first, so that the index is built without parsing the event. */
export const acceptedRecord = (seq: number, intake: string, event: MillraceEvent): string =>
  JSON.stringify({ accepted: seq, intake, event: eventToJson(event) })

/** Numbers of settled events. */
export const settledRecord = (seqs: readonly number[]): string => JSON.stringify({ settled: seqs })

const accepted = /^\{"accepted":(\d{1,15}),/
const settled = /^\{"settled":\[(\d{1,15}(?:,\d{1,15})*)\]\}$/

/** What a record says, without the event. `undefined` for one that this release does not know. */
export const readRecordHead = (payload: Buffer): { readonly accepted: number } | { readonly settled: readonly number[] } | undefined => {
  const head = accepted.exec(payload.toString('latin1', 0, 32))
  if (head !== null) return { accepted: Number(head[1]) }
  const list = settled.exec(payload.toString('latin1'))
  return list === null ? undefined : { settled: (list[1] ?? '').split(',').map(Number) }
}

/**
 * The event of an accepted record.
 *
 * @throws MillraceError `E_LETTER_MALFORMED`
 */
export const readAccepted = (payload: Buffer): { readonly intake: string; readonly event: MillraceEvent } => {
  const fields = new JsonFields(JSON.parse(payload.toString()), 'spooled')
  return { intake: fields.text('intake'), event: eventFromJson(fields.raw('event')) }
}
