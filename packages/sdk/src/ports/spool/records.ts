import type { Delivery, Target } from '../../contract/delivery.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import { eventFromJson, eventToJson } from '../../core/letters/event-codec.ts'
import { JsonFields } from '../../core/letters/json-fields.ts'

/** What a delivery says of its event besides: kept, or a replay would call others than the source meant. */
export type SpoolTerms = Pick<Delivery, 'targets' | 'asksFilter' | 'unlisted' | 'unreadable'>

/** The terms alone, of a whole delivery. */
export const termsOf = ({ targets, asksFilter, unlisted, unreadable }: SpoolTerms): SpoolTerms => ({
  ...(targets !== undefined && { targets }),
  ...(asksFilter !== undefined && { asksFilter }),
  ...(unlisted !== undefined && { unlisted }),
  ...(unreadable !== undefined && { unreadable }),
})

/** An accepted event as one line. The number comes first, so that the index is built without parsing the event. */
export const acceptedRecord = (seq: number, intake: string, event: MillraceEvent, terms: SpoolTerms = {}): string =>
  JSON.stringify({ accepted: seq, intake, ...termsOf(terms), event: eventToJson(event) })

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

const targetOf = (value: unknown): Target => {
  const fields = new JsonFields(value, 'spooled.targets')
  return {
    function: fields.text('function'),
    attempts: fields.count('attempts'),
    ...fields.optional('firstAttemptAt', (name) => fields.count(name)),
  }
}

const unreadableOf = (value: unknown): NonNullable<Delivery['unreadable']> => {
  const fields = new JsonFields(value, 'spooled.unreadable')
  return { reason: fields.text('reason') === 'too-large' ? 'too-large' : 'decode', detail: fields.text('detail') }
}

const readTerms = (fields: JsonFields): SpoolTerms => ({
  ...fields.optional('targets', (name) => fields.list(name).map(targetOf)),
  ...(fields.raw('asksFilter') === true && { asksFilter: true }),
  ...(fields.raw('unlisted') === 'release' && { unlisted: 'release' as const }),
  ...fields.optional('unreadable', (name) => unreadableOf(fields.raw(name))),
})

/**
 * The event of an accepted record.
 *
 * @throws MillraceError `E_LETTER_MALFORMED`
 */
export const readAccepted = (payload: Buffer): { readonly intake: string; readonly event: MillraceEvent; readonly terms: SpoolTerms } => {
  const fields = new JsonFields(JSON.parse(payload.toString()), 'spooled')
  return { intake: fields.text('intake'), event: eventFromJson(fields.raw('event')), terms: readTerms(fields) }
}
