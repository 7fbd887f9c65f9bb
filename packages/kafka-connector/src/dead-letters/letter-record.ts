import type { DeadLetter, HeaderField } from '@millrace/sdk'
import type { OutgoingRecord } from '../driver/letter-driver.ts'
import { headerText } from '../mapping/fields.ts'
import { letterHeaders, letterPrefix, originPrefix } from '../mapping/names.ts'
import { foreignHeaders, isForeignHeader } from './foreign-headers.ts'
import type { ForeignNames } from './foreign-headers.ts'
import { letterOrigin } from './letter-origin.ts'
import type { LetterOrigin } from './letter-origin.ts'

/** Names of headers: ours, and additionally those of Kafka Connect or of Spring. */
export type HeaderNames = 'millrace' | ForeignNames

/** What a letter says beside what the SDK knows. */
export interface LetterRecordOptions {
  readonly names: HeaderNames
  readonly group: string
  /** `millrace-connector`, e.g. `millrace/kafka-connector`. */
  readonly connector: string
}

const maxError = 1024

/** At most `max` bytes of UTF-8, cut between characters. */
const cut = (text: string, max = maxError): string => {
  const bytes = Buffer.from(text)
  if (bytes.length <= max) return text
  let end = max
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end).toString()
}

/** Where the record began: what an earlier letter or retry says of it is kept. */
const originHeaders = ({ headers, position, timestamp }: LetterOrigin, group: string): HeaderField[] => {
  if (headerText(headers, letterHeaders.originTopic) !== undefined) {
    return headers.filter(([name]) => name.toLowerCase().startsWith(originPrefix)).slice(0, 16)
  }
  const fields: HeaderField[] = []
  if (position !== undefined) {
    fields.push([letterHeaders.originTopic, position.topic], [letterHeaders.originPartition, String(position.partition)])
    fields.push([letterHeaders.originOffset, String(position.offset)])
  }
  if (timestamp !== undefined) fields.push([letterHeaders.originTimestamp, String(timestamp)])
  fields.push([letterHeaders.originGroup, group])
  return fields
}

/** What failed last, in the words of the attempt, else of the letter. */
export const lastError = (letter: DeadLetter): string => cut(letter.history.at(-1)?.error ?? letter.detail)

const ownHeaders = (letter: DeadLetter, connector: string): HeaderField[] => {
  const status = letter.history.findLast((attempt) => attempt.status !== undefined)?.status
  const fields: (readonly [string, string | number | undefined])[] = [
    [letterHeaders.eventId, letter.event.id],
    [letterHeaders.function, letter.function],
    [letterHeaders.target, letter.function],
    [letterHeaders.reason, letter.reason],
    [letterHeaders.status, status],
    [letterHeaders.attempts, letter.attempts],
    [letterHeaders.firstAttemptAt, letter.firstAttemptAt],
    [letterHeaders.lastAttemptAt, letter.lastAttemptAt],
    [letterHeaders.diedAt, letter.diedAt],
    [letterHeaders.hops, letter.hops + 1],
    [letterHeaders.connector, connector],
    [letterHeaders.headerPrefix, letter.naming?.prefix],
  ]
  return fields.flatMap(([name, value]): HeaderField[] => (value === undefined ? [] : [[name, String(value)]]))
}

const errorHeaders = (letter: DeadLetter): HeaderField[] => [
  [letterHeaders.detail, cut(letter.detail)],
  [letterHeaders.error, lastError(letter)],
]

/**
 * A dead letter as a record: original key, value, headers and timestamp, and what happened in headers of UTF-8 text. What an earlier
 * letter said is replaced, except where the event began.
 *
 * @returns the record, and the same without error texts for a topic that finds it too large
 */
export const letterRecord = (
  letter: DeadLetter,
  options: LetterRecordOptions,
): { readonly record: OutgoingRecord; readonly reduced: OutgoingRecord } => {
  const origin = letterOrigin(letter.event)
  const { names } = options
  const isOurs = (name: string): boolean =>
    name.toLowerCase().startsWith(letterPrefix) || (names !== 'millrace' && isForeignHeader(name, names))
  const begin = originHeaders(origin, options.group)
  const base = [...origin.headers.filter(([name]) => !isOurs(name)), ...ownHeaders(letter, options.connector), ...begin]
  const foreign = (error: string | undefined): readonly HeaderField[] =>
    names === 'millrace' ? [] : foreignHeaders(names, { begin, error, reason: letter.reason, connector: options.connector })
  const common = { key: origin.key, value: origin.value, ...(origin.timestamp !== undefined && { timestamp: origin.timestamp }) }
  return {
    record: { ...common, headers: [...base, ...errorHeaders(letter), ...foreign(lastError(letter))] },
    reduced: { ...common, headers: [...base, ...foreign(undefined)] },
  }
}
