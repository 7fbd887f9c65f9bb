import { Problem } from '../problem.ts'

const printable = /^[\x21-\x7E](?:[\x20-\x7E]{0,253}[\x21-\x7E])?$/

/**
 * The id that a client chose by `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a quoted string there, which most clients
 * send without the quotes; both are taken.
 *
 * @throws Problem `bad-idempotency-key`
 */
export const readIdempotencyKey = (header: string): string => {
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)
  const key = quoted === null ? header : (quoted[1] as string).replaceAll(/\\(["\\])/g, '$1')
  if (printable.test(key)) return key
  throw new Problem('bad-idempotency-key', {
    detail: 'The Idempotency-Key is empty, longer than 255 characters, or not printable ASCII.',
    fix: 'Use something like a UUID, the same for each repetition of the same event.',
  })
}

/**
 * A CloudEvent is the same as another if `source` and `id` are (CloudEvents 1.0, `id`). A URI cannot have a `|`, so the first one
 * always is the border.
 */
export const cloudEventId = (source: string, id: string): string => `${source}|${id}`
