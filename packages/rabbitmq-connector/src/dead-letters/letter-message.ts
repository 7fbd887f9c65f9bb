import type { DeadLetter } from '@millrace/sdk'
import { copyHeaders } from '../mapping/names.ts'
import { keptHeaders, originHeaders, originPartsOf, publishAgain } from '../mapping/publish-again.ts'
import type { FieldTable, Message } from '../transport/message.ts'

const maxText = 1024

const cut = (text: string): string => text.slice(0, maxText).toWellFormed()

const letterHeaders = (letter: DeadLetter, connector: string): readonly (readonly [string, string])[] => {
  const status = letter.history.findLast((attempt) => attempt.status !== undefined)?.status
  const values: readonly (readonly [string, string | number | undefined])[] = [
    [copyHeaders.eventId, letter.event.id],
    [copyHeaders.function, letter.function],
    [copyHeaders.target, letter.function],
    [copyHeaders.reason, letter.reason],
    [copyHeaders.detail, cut(letter.detail)],
    [copyHeaders.status, status],
    // What failed last, in the words of the attempt, else of the letter.
    [copyHeaders.error, cut(letter.history.at(-1)?.error ?? letter.detail)],
    [copyHeaders.attempts, letter.attempts],
    [copyHeaders.firstAttemptAt, letter.firstAttemptAt],
    [copyHeaders.lastAttemptAt, letter.lastAttemptAt],
    [copyHeaders.diedAt, letter.diedAt],
    [copyHeaders.letterId, letter.letterId],
    [copyHeaders.hops, letter.hops + 1],
    [copyHeaders.connector, connector],
    [copyHeaders.originTopic, letter.event.topic],
  ]
  return values.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]))
}

/**
 * A dead letter as a message: the original, with what happened in `millrace-*` headers of text. What an earlier letter or retry said is
 * replaced, except where the event began.
 *
 * @returns the message, and the same without the producer's headers for when there is no room for both
 */
export const letterMessage = (
  letter: DeadLetter,
  queue: string,
  connector: string,
): { readonly message: Message; readonly reduced: Message } => {
  const parts = originPartsOf(letter.event, letter.intake)
  const kept = keptHeaders(parts.original.properties.headers)
  const ours = [...letterHeaders(letter, connector), ...originHeaders(parts)]
  const withHeaders = (headers: FieldTable): Message => publishAgain(parts.original, queue, headers)
  return {
    message: withHeaders(new Map([...kept, ...ours])),
    reduced: withHeaders(new Map([...ours, [copyHeaders.headersOmitted, String(kept.length)]])),
  }
}
