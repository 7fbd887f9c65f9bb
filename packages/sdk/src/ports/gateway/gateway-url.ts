import { MillraceError } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'

/** A gateway's address, checked. */
export interface GatewayUrl {
  /** Scheme, host and port; every request goes there and nowhere else. */
  readonly origin: string
  /** What goes before `/function/` and `/system/`: empty, or `/something` without a slash at the end. */
  readonly prefix: string
}

/** Segments of unreserved characters and percent-encoding (RFC 3986), so that no later step reads them differently. */
const safePath = /^(?:\/(?:[-._~A-Za-z0-9]|%[0-9A-Fa-f]{2})+)*$/

/**
 * The checked form of a gateway's address.
 *
 * @throws MillraceError `E_GATEWAY_URL`: not http or https, credentials in it, a query, a fragment, or a path with other characters
 */
export const parseGatewayUrl = (text: string): GatewayUrl => {
  const refuse = (why: string): never => {
    throw new MillraceError('E_GATEWAY_URL', { url: printable(text.replace(/\/\/[^/@]*@/, '//[redacted]@'), 200), why })
  }
  if (!URL.canParse(text)) return refuse('it is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return refuse('only http and https are spoken')
  if (url.username !== '' || url.password !== '') return refuse('credentials in a URL end up in logs')
  if (url.search !== '' || url.hash !== '') return refuse('a query or fragment has no meaning here')
  const prefix = url.pathname.replace(/\/+$/, '')
  if (!safePath.test(prefix)) return refuse('its path has characters that need encoding')
  return { origin: url.origin, prefix }
}
