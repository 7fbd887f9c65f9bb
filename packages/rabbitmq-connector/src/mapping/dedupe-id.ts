import type { MillraceEvent } from '@millrace/sdk'
import { messageIdOf } from './event-id.ts'
import { originOf } from './origin.ts'

/**
 * The id by which an event is known again; `undefined` for one that is never taken for a repeat. Only the producer's `messageId` says that
 * two messages are one event. A position in a stream does not when the stream is made anew, the id of a CloudEvent may have been copied with
 * its other headers, and equal content may be two events.
 */
export const dedupeIdOf = (event: MillraceEvent): string | undefined => {
  const origin = originOf(event)
  return origin === undefined || messageIdOf(origin.original) === undefined ? undefined : event.id
}
