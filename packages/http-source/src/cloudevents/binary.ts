import { type CloudEvent, cloudEvent, CloudEventFault } from '@millrace/sdk'
import { headerPairs } from '../request/forwarded-headers.ts'
import { decodeHeaderValue } from './header-value.ts'

const prefix = 'ce-'

/** True when a request has any `ce-*` header: then it must be a whole CloudEvent, so that nobody sets half of one by mistake. */
export const hasCloudEventHeaders = (raw: readonly string[]): boolean => {
  for (const [, lower] of headerPairs(raw)) if (lower.startsWith(prefix)) return true
  return false
}

/**
 * A CloudEvent in binary mode: attributes in `ce-*`, data in the body.
 *
 * @param raw Node's `rawHeaders`
 * @throws CloudEventFault
 */
export const readBinary = (raw: readonly string[], contentType: string | undefined, body: Uint8Array): CloudEvent => {
  const attributes = new Map<string, string>()
  for (const [, lower, value] of headerPairs(raw)) {
    if (!lower.startsWith(prefix)) continue
    const name = lower.slice(prefix.length)
    // Over HTTP this attribute is the content type; some producers send it twice.
    if (name === 'datacontenttype') continue
    if (attributes.has(name)) throw new CloudEventFault('An attribute is given more than once.', 'Send each ce- header once.')
    const text = decodeHeaderValue(value)
    if (text === undefined) {
      throw new CloudEventFault(
        `The header ce-${/^[a-z0-9]{1,64}$/.test(name) ? name : '?'} is not percent-encoded UTF-8.`,
        'Encode blanks, quotes, % and everything beyond ASCII byte by byte as %XX.',
      )
    }
    attributes.set(name, text)
  }
  if (contentType !== undefined) attributes.set('datacontenttype', contentType)
  return cloudEvent(attributes, body)
}
