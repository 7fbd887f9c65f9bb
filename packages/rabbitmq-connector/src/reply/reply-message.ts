import type { MillraceEvent, RouteResult } from '@millrace/sdk'
import { copyHeaders } from '../mapping/names.ts'
import type { Message } from '../transport/message.ts'

/** A requester that has no queue but consumes from the broker itself: the broker never says that it is gone. */
export const isDirectReply = (replyTo: string): boolean => replyTo.startsWith('amq.rabbitmq.reply-to.')

const maxShort = 255

/** The first value of a header of the reply that fits into a property. */
const headerOf = (result: RouteResult, name: string): string | undefined => {
  const value = result.reply?.headers[name]
  const text = typeof value === 'string' ? value : value?.[0]
  return text !== undefined && text !== '' && Buffer.byteLength(text) <= maxShort ? text : undefined
}

const headersOf = (event: MillraceEvent, result: RouteResult): Message['properties']['headers'] => {
  const status = result.reply?.status ?? result.status
  const values: readonly (readonly [string, string | undefined])[] = [
    [copyHeaders.eventId, event.id],
    [copyHeaders.function, result.target.function],
    [copyHeaders.status, status?.toString()],
    [copyHeaders.reason, result.reason],
    [copyHeaders.attempts, String(result.target.attempts)],
    [copyHeaders.truncated, result.reply?.truncated === true ? 'true' : undefined],
  ]
  return new Map(values.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
}

/** A function's answer as a message for the requester: its body, its content type, and its status in `millrace-status`. */
export const replyMessage = (
  event: MillraceEvent,
  result: RouteResult,
  to: { readonly replyTo: string; readonly correlationId: string | undefined; readonly at: number },
): Message => {
  const contentType = headerOf(result, 'content-type')
  const contentEncoding = headerOf(result, 'content-encoding')
  return {
    exchange: '',
    routingKey: to.replyTo,
    properties: {
      headers: headersOf(event, result),
      deliveryMode: 2,
      timestamp: to.at,
      ...(to.correlationId !== undefined && { correlationId: to.correlationId }),
      ...(contentType !== undefined && { contentType }),
      ...(contentEncoding !== undefined && { contentEncoding }),
    },
    body: result.reply?.body ?? new Uint8Array(0),
  }
}
