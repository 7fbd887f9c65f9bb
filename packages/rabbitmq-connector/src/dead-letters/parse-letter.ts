import { isDeadLetterReason } from '@millrace/sdk'
import type { AttemptRecord, DeadLetter } from '@millrace/sdk'
import { parseCopy } from '../mapping/copy.ts'
import { headerCount, headerText } from '../mapping/field-text.ts'
import { messageToEvent } from '../mapping/message-to-event.ts'
import { copyHeaders, rabbitmqAttributeNames, rabbitmqHeaderPrefix } from '../mapping/names.ts'
import type { DeliveredMessage, FieldTable } from '../transport/message.ts'

const historyOf = (headers: FieldTable): readonly AttemptRecord[] => {
  const at = headerCount(headers, copyHeaders.lastAttemptAt)
  const status = headerCount(headers, copyHeaders.status)
  const error = headerText(headers, copyHeaders.error)
  if (at === undefined) return []
  return [{ at, durationMs: 0, ...(status !== undefined && { status }), ...(error !== undefined && { error }) }]
}

const given = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V })

/**
 * The letter that a message of a dead-letter queue holds; `undefined` when it is none of ours, e.g. one that the broker itself has put
 * there: then its headers are its producer's, who could let it expire with those of a letter and so name any function. No letter is written
 * with `x-death`. Its event is the one that died: its id, its topic, its properties of then, and its headers without what the letter added, except
 * `millrace-hops`.
 */
export const parseLetter = (message: DeliveredMessage, vhost: string): DeadLetter | undefined => {
  const { headers } = message.properties
  const reason = headerText(headers, copyHeaders.reason)
  if (headers.has('x-death') || reason === undefined || !isDeadLetterReason(reason) || parseCopy(message, 0) === undefined) return undefined
  const queue = headerText(headers, copyHeaders.originQueue, 255) ?? message.routingKey
  const { event } = messageToEvent(
    // As if it had been put back.
    { ...message, exchange: '', routingKey: queue },
    { queue, mode: 'queue', topic: 'queue', tiers: [] },
    { vhost, now: () => 0 },
  )
  return {
    event: { ...event, topic: headerText(headers, copyHeaders.originTopic, 255) ?? queue },
    intake: queue,
    reason,
    detail: headerText(headers, copyHeaders.detail) ?? '',
    attempts: headerCount(headers, copyHeaders.attempts) ?? 0,
    history: historyOf(headers),
    diedAt: headerCount(headers, copyHeaders.diedAt) ?? message.properties.timestamp ?? 0,
    naming: { prefix: rabbitmqHeaderPrefix, reserved: rabbitmqAttributeNames },
    hops: Math.max(0, (headerCount(headers, copyHeaders.hops) ?? 0) - 1),
    ...given('letterId', headerText(headers, copyHeaders.letterId, 64)),
    ...given('function', headerText(headers, copyHeaders.function, 128)),
    ...given('firstAttemptAt', headerCount(headers, copyHeaders.firstAttemptAt)),
    ...given('lastAttemptAt', headerCount(headers, copyHeaders.lastAttemptAt)),
  }
}
