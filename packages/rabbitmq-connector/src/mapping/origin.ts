import type { MillraceEvent } from '@millrace/sdk'
import type { DeliveredMessage, Message } from '../transport/message.ts'

/** What an event was made of. */
export interface Origin {
  /** As the queue gave it. */
  readonly message: DeliveredMessage
  /** As it was published at first: another one than `message` after a delayed retry, or when a letter was put back. */
  readonly original: Message
  readonly queue: string
  /** Of who published it, as far as the broker or a copy says. */
  readonly userId?: string | undefined
  /** A summary of the broker's own dead-lettering. */
  readonly death?: string | undefined
}

const origins = new WeakMap<MillraceEvent, Origin>()

/**
 * Remembers the message of an event: a copy, a letter and a reply need the properties, which an event does not have. Held as long as the
 * event is.
 */
export const rememberMessage = (event: MillraceEvent, origin: Origin): MillraceEvent => {
  origins.set(event, origin)
  return event
}

/** The message that an event of this process was made of; `undefined` for events from elsewhere, such as letters that were read from a file. */
export const originOf = (event: MillraceEvent): Origin | undefined => origins.get(event)
