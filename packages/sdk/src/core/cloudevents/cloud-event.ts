import type { HeaderField } from '../../contract/event.ts'
import { CloudEventFault } from './cloud-event-fault.ts'
import { parseTime } from './time.ts'

/** A CloudEvent 1.0, whatever the form in which it came. */
export interface CloudEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  /** Epoch milliseconds. */
  readonly time?: number
  /** `datacontenttype`. */
  readonly contentType?: string
  readonly partitionKey?: string
  /** All attributes but `datacontenttype` as text, extensions included, `specversion` too. */
  readonly attributes: ReadonlyMap<string, string>
  readonly data: Uint8Array
}

const maxAttributes = 64
const maxLength = 2048
const attributeName = /^[a-z0-9]{1,64}$/
/** CloudEvents 1.0, type system, `String`: no control characters, no halves of surrogate pairs. */
const control = /[\p{Cc}]/u
/** What no URI reference has. Characters beyond ASCII pass: an IRI is common and does no harm. */
const notInUri = /[\s"<>\\^`{|}]/

const checkAttribute = (name: string, value: string): void => {
  if (!attributeName.test(name)) {
    throw new CloudEventFault('An attribute has a name that is not lower-case letters and digits.', 'Name extensions like myextension.')
  }
  if (value.length > maxLength)
    throw new CloudEventFault(`The attribute ${name} has more than ${maxLength} characters.`, 'Put it into the data.')
  if (control.test(value) || !value.isWellFormed()) {
    throw new CloudEventFault(`The attribute ${name} has control characters or broken Unicode.`, 'Remove them.')
  }
}

const required = (attributes: ReadonlyMap<string, string>, name: string): string => {
  const value = attributes.get(name)
  if (value === undefined || value === '')
    throw new CloudEventFault(`The attribute ${name} is missing or empty.`, 'id, source, specversion and type are required.')
  return value
}

/**
 * Checks attributes and makes a CloudEvent of them.
 *
 * @param attributes `datacontenttype` included, if there is one
 * @throws CloudEventFault
 */
export const cloudEvent = (attributes: ReadonlyMap<string, string>, data: Uint8Array): CloudEvent => {
  if (attributes.size > maxAttributes)
    throw new CloudEventFault(`There are more than ${maxAttributes} attributes.`, 'Put them into the data.')
  for (const [name, value] of attributes) checkAttribute(name, value)
  const version = required(attributes, 'specversion')
  if (version !== '1.0') throw new CloudEventFault('The specversion is not 1.0.', 'Send version 1.0, the only one that is understood.')
  const source = required(attributes, 'source')
  if (notInUri.test(source))
    throw new CloudEventFault('The source is not a URI reference.', 'Use something like /shop/checkout; encode blanks as %20.')
  const timeText = attributes.get('time')
  const time = timeText === undefined ? undefined : parseTime(timeText)
  if (timeText !== undefined && time === undefined) {
    throw new CloudEventFault('The time is not a time of RFC 3339.', 'Use something like 2026-11-25T16:49:45Z.')
  }
  const contentType = attributes.get('datacontenttype')
  const partitionKey = attributes.get('partitionkey')
  const others = new Map(attributes)
  others.delete('datacontenttype')
  return {
    id: required(attributes, 'id'),
    source,
    type: required(attributes, 'type'),
    ...(time !== undefined && { time }),
    ...(contentType !== undefined && { contentType }),
    ...(partitionKey !== undefined && partitionKey !== '' && { partitionKey }),
    attributes: others,
    data,
  }
}

/** The attributes as headers of an event, `ce-*`, so that functions see one form whatever the producer sent. */
export const cloudEventHeaders = ({ attributes }: CloudEvent): readonly HeaderField[] =>
  [...attributes].map(([name, value]): HeaderField => [`ce-${name}`, value])
