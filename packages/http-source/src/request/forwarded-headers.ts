import type { HeaderField } from '@millrace/sdk'

/** Of the connection, or read here, or a secret, which belongs neither to a function nor into the spool. */
const kept: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'idempotency-key',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

const beyondAscii = /[^\p{ASCII}]/u

/** Node reads header values as latin1; what is not ASCII goes on as the bytes that came. */
const valueOf = (latin1: string): string | Uint8Array => (beyondAscii.test(latin1) ? Buffer.from(latin1, 'latin1') : latin1)

/** Names and values of `rawHeaders`, one after the other. */
export function* headerPairs(raw: readonly string[]): Generator<readonly [name: string, lower: string, value: string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string
    yield [name, name.toLowerCase(), raw[index + 1] as string]
  }
}

/** Headers of which a second one would be ignored here and perhaps not elsewhere. */
const single = new Set(['authorization', 'content-encoding', 'content-type', 'host', 'idempotency-key'])

/** The name of a header that may not be repeated and is. */
export const repeatedHeader = (raw: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  for (const [, lower] of headerPairs(raw)) {
    if (!single.has(lower)) continue
    if (seen.has(lower)) return lower
    seen.add(lower)
  }
  return undefined
}

/**
 * The headers that belong to the event, in their order. `ce-*` is left out: the CloudEvent has them. What of the rest reaches a
 * function is for the SDK's header codec to say.
 *
 * @param raw Node's `rawHeaders`
 */
export const forwardedHeaders = (raw: readonly string[]): HeaderField[] => {
  const fields: HeaderField[] = []
  // RFC 9110 section 7.6.1: `Connection` names further headers that end here.
  const named = new Set<string>()
  for (const [, lower, value] of headerPairs(raw)) {
    if (lower === 'connection') for (const word of value.split(',')) named.add(word.trim().toLowerCase())
  }
  for (const [name, lower, value] of headerPairs(raw)) {
    if (!kept.has(lower) && !named.has(lower) && !lower.startsWith('ce-')) fields.push([name, valueOf(value)])
  }
  return fields
}
