import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'
import { translateError } from './kafka-errors.ts'
import type { ErrorPlace } from './kafka-errors.ts'

/** Error types of the protocol anywhere under what was thrown. */
const typesIn = (thrown: unknown): ReadonlySet<string> => {
  const types = new Set<string>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 8 || types.size > 32) return
    const { type, cause, errors } = value as { type?: unknown; cause?: unknown; errors?: unknown }
    if (typeof type === 'string') types.add(type)
    visit(cause, depth + 1)
    if (Array.isArray(errors)) for (const one of errors as readonly unknown[]) visit(one, depth + 1)
  }
  visit(thrown, 0)
  return types
}

const rules: readonly (readonly [string, ErrorCode])[] = [
  ['MESSAGE_TOO_LARGE', 'E_KAFKA_LETTER_TOO_LARGE'],
  ['RECORD_LIST_TOO_LARGE', 'E_KAFKA_LETTER_TOO_LARGE'],
  ['TOPIC_AUTHORIZATION_FAILED', 'E_KAFKA_LETTER_DENIED'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'E_KAFKA_LETTER_DENIED'],
  ['UNKNOWN_TOPIC_OR_PARTITION', 'E_KAFKA_LETTER_TOPIC_MISSING'],
]

/** True for a letter whose time the topic does not take (`message.timestamp.after.max.ms`, an hour by default since Kafka 4). */
export const isTimeRefused = (error: unknown): boolean => isMillraceError(error) && error.context['refused'] === 'timestamp'

/** What a refused dead letter means. What concerns the connection and not the topic keeps its own code. */
export const translateProduceError = (thrown: unknown, place: ErrorPlace, topic: string, bytes: number): MillraceError => {
  if (isMillraceError(thrown)) return thrown
  const types = typesIn(thrown)
  const code = rules.find(([type]) => types.has(type))?.[1]
  const refused = types.has('INVALID_TIMESTAMP') ? 'timestamp' : 'record'
  const context = { ...place, topic, bytes, refused, create: 'for the start alone', reason: describeError(thrown, 300) }
  if (code !== undefined)
    return new MillraceError(code, { ...context, ...(code === 'E_KAFKA_LETTER_TOPIC_MISSING' && { reason: '' }) }, thrown)
  const general = translateError(thrown, place, 'E_KAFKA_LETTER_WRITE')
  return general.code === 'E_KAFKA_LETTER_WRITE' ? new MillraceError('E_KAFKA_LETTER_WRITE', context, thrown) : general
}
