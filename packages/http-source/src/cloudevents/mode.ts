import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../problem.ts'
import { hasCloudEventHeaders } from './binary.ts'

/** How a request carries its event. */
export type Mode = 'plain' | 'binary' | 'structured'

const unsupported = (detail: string, fix: string): Problem => new Problem('unsupported-format', { detail, fix })

const one = 'Send one event a request, as application/cloudevents+json or in binary mode.'

/**
 * Decides by the headers, before the body is read: `application/cloudevents+json` is structured, any `ce-*` header makes it binary.
 *
 * @throws Problem `unsupported-format` for batches, other CloudEvents formats, and structured events that are compressed or not UTF-8
 */
export const modeOf = (headers: IncomingHttpHeaders, raw: readonly string[]): Mode => {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  // Before the other prefix, of which it is a longer form.
  if (type.startsWith('application/cloudevents-batch')) throw unsupported('Batches of CloudEvents are not taken.', one)
  if (!type.startsWith('application/cloudevents')) return hasCloudEventHeaders(raw) ? 'binary' : 'plain'
  if (type !== 'application/cloudevents+json') throw unsupported('Of the CloudEvents formats only JSON is understood.', one)
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) throw unsupported('The charset is not UTF-8.', 'Send JSON in UTF-8.')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw unsupported('A structured CloudEvent may not be compressed.', 'Send it without Content-Encoding, or in binary mode.')
  }
  return 'structured'
}
