import type { HeaderField, Target } from '@millrace/sdk'
import { headerCount, headerText } from './fields.ts'
import { letterHeaders } from './names.ts'

/** What a record says of the event that it is a copy of. */
export interface LetterCopy {
  readonly eventId: string
  readonly target?: Target
}

const idForm = /^[\x21-\x7E](?:[\x20-\x7E]{0,510}[\x21-\x7E])?$/
/** DNS labels, as OpenFaaS names functions and namespaces. */
const functionForm = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)?$/

/**
 * Reads the `millrace-*` headers of a letter or a retry copy that was put back into a topic: the event keeps its id, and only the function
 * that failed gets it. Attempts begin anew: whoever put it back wants it tried.
 */
export const readLetterCopy = (headers: readonly HeaderField[]): LetterCopy | undefined => {
  const eventId = headerText(headers, letterHeaders.eventId)
  if (eventId === undefined || !idForm.test(eventId)) return undefined
  const name = headerText(headers, letterHeaders.target, 128)
  if (name === undefined || !functionForm.test(name)) return { eventId }
  return { eventId, target: { function: name, attempts: 0 } }
}

/** How often the record has been a letter. */
export const hopsOf = (headers: readonly HeaderField[]): number => Math.min(headerCount(headers, letterHeaders.hops) ?? 0, 999_999)
