import { Problem } from '../problem.ts'

/** What a request target asks for. */
export type Target =
  | { readonly kind: 'health' }
  /** Both still as in the URL. */
  | { readonly kind: 'topic'; readonly segment: string; readonly query: string }
  | { readonly kind: 'unknown' }

/** Longest request target: a topic of 255 characters, each percent-encoded in UTF-8, and a query. */
const maxTarget = 4096
/** RFC 9112 section 3.2.2: a server must accept the absolute form too. */
const authority = /^https?:\/\/[^/?#]*/i

/**
 * Reads a request target. Nothing is decoded or normalised: `..` and `%2e` are no paths here.
 *
 * @throws Problem `url-too-long`
 */
export const readTarget = (target: string): Target => {
  if (target.length > maxTarget) {
    throw new Problem('url-too-long', { detail: `The URL has more than ${maxTarget} characters.`, fix: 'Use a shorter topic.' })
  }
  const local = target.replace(authority, '')
  const mark = local.indexOf('?')
  const path = mark < 0 ? local : local.slice(0, mark)
  if (path === '/healthz') return { kind: 'health' }
  if (!path.startsWith('/topics/')) return { kind: 'unknown' }
  const segment = path.slice('/topics/'.length)
  if (segment.includes('/')) return { kind: 'unknown' }
  return { kind: 'topic', segment, query: mark < 0 ? '' : local.slice(mark + 1) }
}
