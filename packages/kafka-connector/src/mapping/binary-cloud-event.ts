import { type CloudEvent, cloudEvent, type HeaderField } from '@millrace/sdk'
import { ifCloudEvent } from './read-cloud-event.ts'
import { textOf } from './fields.ts'

const prefix = 'ce_'

/** True for a header that carries an attribute in Kafka's binding. */
export const isCloudEventHeader = (name: string): boolean => name.startsWith(prefix)

/**
 * A CloudEvent in binary mode of the Kafka binding 1.0: attributes in `ce_*` headers, UTF-8, not percent-encoded; the data is the value.
 * `undefined` when it is none, or an attribute is given twice.
 */
export const readBinary = (headers: readonly HeaderField[], contentType: string | undefined, value: Uint8Array): CloudEvent | undefined => {
  let attributes: Map<string, string> | undefined
  for (const [name, field] of headers) {
    if (!isCloudEventHeader(name)) continue
    attributes ??= new Map()
    const attribute = name.slice(prefix.length)
    const text = field.length > 8192 ? undefined : textOf(field)
    if (text === undefined || attributes.has(attribute)) return undefined
    attributes.set(attribute, text)
  }
  if (attributes === undefined) return undefined
  // The binding carries it in `content-type`; some producers send it twice.
  attributes.delete('datacontenttype')
  if (contentType !== undefined) attributes.set('datacontenttype', contentType)
  const found = attributes
  return ifCloudEvent(() => cloudEvent(found, value))
}
