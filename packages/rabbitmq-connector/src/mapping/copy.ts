import type { Target } from '@millrace/sdk'
import type { DeliveredMessage, FieldValue, Message, MessageProperties } from '../transport/message.ts'
import { isEventId } from './event-id.ts'
import { headerCount, headerText } from './field-text.ts'
import { copyHeaders, copyPrefix, isBrokerHeader } from './names.ts'

/** What a message says of the event that it is a copy of. */
export interface Copy {
  readonly eventId: string
  readonly target?: Target
  /** A retry of ours, and not a letter that somebody put back. */
  readonly isRetry: boolean
  /** As it was published at first, so that a function sees the same at every attempt. */
  readonly original: Message
  /** Said by the copy; the broker has not checked it. */
  readonly userId?: string
  /** What the broker had said of earlier deaths. */
  readonly death?: string
}

/** DNS labels, as OpenFaaS names functions and namespaces, and what its gateway takes beside. */
const functionForm = /^[a-zA-Z0-9](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)?$/
const maxAttempts = 10_000

/** As `retryCopy` writes it. */
const waitedForm = /^(attempts|not-found|denied|redirect|unavailable) (\d{1,5})(?: (\d{1,15}))?$/

const waitedOf = ({ properties: { headers } }: Message, now: number): NonNullable<Target['waited']> | undefined => {
  const [, clock, times, since] = waitedForm.exec(headerText(headers, copyHeaders.waited, 64) ?? '') ?? []
  if (clock === undefined || times === undefined) return undefined
  return {
    clock: clock as NonNullable<Target['waited']>['clock'],
    times: Math.min(Number(times), maxAttempts),
    ...(since !== undefined && { notFoundSince: Math.min(Number(since), now) }),
  }
}

const targetOf = (message: Message, now: number): Target | undefined => {
  const { headers } = message.properties
  const name = headerText(headers, copyHeaders.target, 128)
  if (name === undefined || !functionForm.test(name)) return undefined
  const attempts = headerCount(headers, copyHeaders.attempt)
  // A letter that is put back is to be tried anew.
  if (attempts === undefined) return { function: name, attempts: 0 }
  const first = headerCount(headers, copyHeaders.firstAttemptAt)
  const waited = waitedOf(message, now)
  return {
    function: name,
    attempts: Math.min(attempts, maxAttempts),
    ...(first !== undefined && { firstAttemptAt: Math.min(first, now) }),
    ...(waited !== undefined && { waited }),
  }
}

const restored = (headers: MessageProperties['headers'], name: string, header: string): readonly (readonly [string, FieldValue])[] => {
  const json = headerText(headers, header)
  if (json === undefined) return []
  try {
    const value: unknown = JSON.parse(json)
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? [[name, value]] : []
  } catch {
    return []
  }
}

/** The producer's own headers: without the broker's, ours, and with those that were kept aside. */
const originalHeaders = (headers: MessageProperties['headers']): MessageProperties['headers'] =>
  new Map([
    ...[...headers].filter(([name]) => !isBrokerHeader(name) && !(name.startsWith(copyPrefix) && name !== copyHeaders.hops)),
    ...restored(headers, 'CC', copyHeaders.originCc),
    ...restored(headers, 'BCC', copyHeaders.originBcc),
  ])

const originalOf = (message: Message): Message => {
  const { headers, expiration: _, deliveryMode, userId: __, ...others } = message.properties
  const expiration = headerText(headers, copyHeaders.originExpiration, 32)
  const mode = headerCount(headers, copyHeaders.originDeliveryMode) ?? deliveryMode
  return {
    exchange: headerText(headers, copyHeaders.originExchange, 255) ?? message.exchange,
    routingKey: headerText(headers, copyHeaders.originRoutingKey, 255) ?? message.routingKey,
    properties: {
      ...others,
      headers: originalHeaders(headers),
      ...(expiration !== undefined && { expiration }),
      ...(mode !== undefined && { deliveryMode: mode }),
    },
    body: message.body,
  }
}

/** What the `millrace-*` headers of a message say, wherever it comes from. `now` in epoch milliseconds: nothing was attempted in the future. */
export const parseCopy = (message: Message, now: number): Copy | undefined => {
  const { headers } = message.properties
  const eventId = headerText(headers, copyHeaders.eventId, 512)
  if (eventId === undefined || !isEventId(eventId)) return undefined
  const target = targetOf(message, now)
  const userId = headerText(headers, copyHeaders.originUserId, 255)
  const death = headerText(headers, copyHeaders.originDeath)
  return {
    eventId,
    isRetry: headers.has(copyHeaders.attempt),
    original: originalOf(message),
    ...(target !== undefined && { target }),
    ...(userId !== undefined && { userId }),
    ...(death !== undefined && { death }),
  }
}

/**
 * Reads a retry copy, or a letter that was put back. Delay queues and tools give it to the queue by the default exchange; headers of what
 * came any other way are a producer's, and nothing of them is believed.
 */
export const readCopy = (message: DeliveredMessage, queue: string, now: number): Copy | undefined =>
  message.exchange === '' && message.routingKey === queue ? parseCopy(message, now) : undefined
