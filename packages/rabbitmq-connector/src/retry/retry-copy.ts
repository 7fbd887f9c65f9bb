import type { MillraceEvent, Target } from '@millrace/sdk'
import { copyHeaders } from '../mapping/names.ts'
import { keptHeaders, originHeaders, originPartsOf, publishAgain } from '../mapping/publish-again.ts'
import type { FieldTable, Message } from '../transport/message.ts'

const waitedText = ({ clock, times, notFoundSince }: NonNullable<Target['waited']>): string =>
  `${clock} ${times}${notFoundSince === undefined ? '' : ` ${notFoundSince}`}`

const retryHeaders = (event: MillraceEvent, target: Target): readonly (readonly [string, string])[] => [
  [copyHeaders.eventId, event.id],
  [copyHeaders.target, target.function],
  [copyHeaders.attempt, String(target.attempts)],
  ...(target.firstAttemptAt === undefined ? [] : [[copyHeaders.firstAttemptAt, String(target.firstAttemptAt)] as const]),
  ...(target.waited === undefined ? [] : [[copyHeaders.waited, waitedText(target.waited)] as const]),
]

/**
 * The message that waits in a delay queue for one function: the original, with how far this function has come and where it began.
 *
 * @param intake the queue that the event came from, and that the delay queue gives it back to
 */
export const retryCopy = (event: MillraceEvent, target: Target, intake: string, tierQueue: string): Message => {
  const parts = originPartsOf(event, intake)
  const headers: FieldTable = new Map([
    ...keptHeaders(parts.original.properties.headers),
    ...retryHeaders(event, target),
    ...originHeaders(parts),
  ])
  return publishAgain(parts.original, tierQueue, headers)
}
