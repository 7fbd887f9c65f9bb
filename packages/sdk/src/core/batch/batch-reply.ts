import type { Reply } from '../../contract/delivery.ts'

/** What a function said of a batch: all well, these failed, or nothing that can be understood (then all failed: T26). */
export type BatchVerdict =
  | { readonly kind: 'all-done' }
  | { readonly kind: 'failed'; readonly ids: ReadonlySet<string> }
  | { readonly kind: 'malformed' }

const allDone: BatchVerdict = { kind: 'all-done' }
const malformed: BatchVerdict = { kind: 'malformed' }

const idsOf = (list: unknown, known: ReadonlySet<string>): BatchVerdict => {
  if (list === null || list === undefined) return allDone
  if (!Array.isArray(list)) return malformed
  const ids = new Set<string>()
  for (const item of list as unknown[]) {
    const id = typeof item === 'object' && item !== null ? (item as Record<string, unknown>)['itemIdentifier'] : undefined
    if (typeof id !== 'string' || !known.has(id)) return malformed
    ids.add(id)
  }
  return ids.size === 0 ? allDone : { kind: 'failed', ids }
}

/**
 * Reads a 2xx reply of a batch in the form of AWS Lambda: `{"batchItemFailures":[{"itemIdentifier":"<event id>"}]}`.
 * Nothing, or something that is not JSON by its content type and its first character, means that all went well; a cut
 * reply, broken JSON, a wrong shape or an unknown id means that nothing is known, and all failed.
 */
export const readBatchReply = (reply: Reply, known: ReadonlySet<string>): BatchVerdict => {
  if (reply.truncated) return malformed
  const text = Buffer.from(reply.body).toString('utf8').trim()
  if (text === '') return allDone
  const type = reply.headers['content-type']
  const saysJson = typeof type === 'string' && /\bjson\b/i.test(type)
  if (!saysJson && !text.startsWith('{')) return allDone
  try {
    const parsed = JSON.parse(text) as unknown
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return allDone
    return Object.hasOwn(parsed, 'batchItemFailures') ? idsOf((parsed as Record<string, unknown>)['batchItemFailures'], known) : allDone
  } catch {
    return malformed
  }
}
