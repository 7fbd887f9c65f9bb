import { isDeadLetterReason } from '@millrace/sdk'
import type { AttemptRecord, DeadLetter, HeaderField } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import { headerCount, headerText } from '../mapping/fields.ts'
import { headerPrefix, kafkaAttributeNames, letterHeaders, letterPrefix } from '../mapping/names.ts'
import { hopsOf } from '../mapping/letter-copy.ts'
import { recordToEvent } from '../mapping/record-to-event.ts'

const historyOf = (headers: readonly HeaderField[]): readonly AttemptRecord[] => {
  const at = headerCount(headers, letterHeaders.lastAttemptAt)
  const status = headerCount(headers, letterHeaders.status)
  const error = headerText(headers, letterHeaders.error)
  if (at === undefined) return []
  return [{ at, durationMs: 0, ...(status !== undefined && { status }), ...(error !== undefined && { error }) }]
}

const given = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V })

/**
 * The letter that a record of a dead-letter topic holds; `undefined` when it is none of ours. Its event is the one that died: its id, its
 * topic and position of then, and its headers without what the letter added, except `millrace-hops`.
 */
export const parseLetter = (record: DriverRecord, cluster: string): DeadLetter | undefined => {
  const { headers } = record
  const eventId = headerText(headers, letterHeaders.eventId)
  const reason = headerText(headers, letterHeaders.reason)
  if (eventId === undefined || reason === undefined || !isDeadLetterReason(reason)) return undefined
  const timestamp = headerCount(headers, letterHeaders.originTimestamp) ?? record.timestamp
  const origin: DriverRecord = {
    ...record,
    ...(timestamp !== undefined && { timestamp }),
    topic: headerText(headers, letterHeaders.originTopic, 249) ?? record.topic,
    partition: headerCount(headers, letterHeaders.originPartition) ?? record.partition,
    offset: headerCount(headers, letterHeaders.originOffset) ?? record.offset,
    headers: headers.filter(([name]) => !name.toLowerCase().startsWith(letterPrefix) || name === letterHeaders.hops),
  }
  const { event } = recordToEvent(origin, { cluster })
  const { source, type, topic, time, data, contentType, attributes, orderingKey } = event
  return {
    event: { id: eventId, source, type, topic, time, data, contentType, headers: event.headers, attributes, orderingKey },
    intake: `${origin.topic}/${origin.partition}`,
    reason,
    detail: headerText(headers, letterHeaders.detail) ?? '',
    attempts: headerCount(headers, letterHeaders.attempts) ?? 0,
    history: historyOf(headers),
    diedAt: headerCount(headers, letterHeaders.diedAt) ?? record.timestamp ?? 0,
    hops: Math.max(0, hopsOf(headers) - 1),
    // Letters of older versions do not say it; nearly all are of this connector.
    naming: { prefix: headerText(headers, letterHeaders.headerPrefix, 64) ?? headerPrefix, reserved: kafkaAttributeNames },
    ...given('function', headerText(headers, letterHeaders.function, 128)),
    ...given('firstAttemptAt', headerCount(headers, letterHeaders.firstAttemptAt)),
    ...given('lastAttemptAt', headerCount(headers, letterHeaders.lastAttemptAt)),
  }
}
