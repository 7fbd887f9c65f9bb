import { type CloudEvent, cloudEvent, CloudEventFault, cloudEventHeaders, readStructuredCloudEvent } from '@millrace/sdk'
import type { HeaderField } from '@millrace/sdk'
import type { FieldTable, Message } from '../transport/message.ts'
import { plainFieldText } from './field-text.ts'

/**
 * AMQP 0-9-1 has no binding of its own: `ce-` is Knative's, `cloudEvents_` and `cloudEvents:` are those of the AMQP 1.0 binding, whose
 * application properties RabbitMQ gives to 0-9-1 consumers as headers.
 */
const prefix = /^(?:ce-|cloudEvents[_:])/
const structuredType = /^application\/cloudevents(?:\+json)?\s*(?:;|$)/i

/** True for a header that carries an attribute. */
const isCloudEventHeader = (name: string): boolean => prefix.test(name)

/** A producer's mistake never makes a message unreadable: what is no CloudEvent is delivered as it is. */
const ifCloudEvent = (read: () => CloudEvent): CloudEvent | undefined => {
  try {
    return read()
  } catch (fault) {
    if (fault instanceof CloudEventFault) return undefined
    throw fault
  }
}

/** Attributes from headers, not percent-encoded; `undefined` when there are none, or one is given twice. */
const readBinary = (headers: FieldTable, contentType: string | undefined, body: Uint8Array): CloudEvent | undefined => {
  let attributes: Map<string, string> | undefined
  for (const [name, value] of headers) {
    const found = prefix.exec(name)
    if (found === null) continue
    attributes ??= new Map()
    const attribute = name.slice(found[0].length)
    const text = plainFieldText(value)
    if (text === undefined || attributes.has(attribute)) return undefined
    attributes.set(attribute, text)
  }
  if (attributes === undefined) return undefined
  // The binding carries it in the property; some producers send it twice.
  attributes.delete('datacontenttype')
  if (contentType !== undefined) attributes.set('datacontenttype', contentType)
  const all = attributes
  return ifCloudEvent(() => cloudEvent(all, body))
}

/** The CloudEvent that a message is, in binary or structured mode (JSON); `undefined` when it is none. */
export const readCloudEvent = ({ properties: { contentType, headers }, body }: Message): CloudEvent | undefined => {
  if (contentType !== undefined && structuredType.test(contentType)) return ifCloudEvent(() => readStructuredCloudEvent(body))
  return readBinary(headers, contentType === '' ? undefined : contentType, body)
}

/** A CloudEvent's attributes go out as `ce-*`, whatever form they came in; headers that claim to be them do not. */
export const withCloudEvent = (headers: readonly HeaderField[], event: CloudEvent | undefined): readonly HeaderField[] =>
  event === undefined
    ? headers
    : [...cloudEventHeaders(event), ...headers.filter(([name]) => !isCloudEventHeader(name) && !name.toLowerCase().startsWith('ce-'))]

/** A plain message as a CloudEvent; `undefined` where its properties make none. */
export const asCloudEvent = (attributes: ReadonlyMap<string, string>, body: Uint8Array): CloudEvent | undefined =>
  ifCloudEvent(() => cloudEvent(attributes, body))
