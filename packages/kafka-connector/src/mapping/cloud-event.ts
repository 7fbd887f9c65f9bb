import type { HeaderField } from '@millrace/sdk'

/** What a CloudEvent 1.0 says of itself. */
export interface CloudEventView {
  readonly id: string
  readonly source: string
  readonly type: string
  /** Epoch milliseconds. */
  readonly time?: number
  readonly partitionKey?: string
  readonly contentType?: string
  /** The attributes as `ce-*` headers, without `datacontenttype`. */
  readonly headers: readonly HeaderField[]
}

/** CloudEvents 1.0: names of attributes are lower-case letters and digits. */
const attributeName = /^[a-z0-9]{1,64}$/
const maxAttributes = 64
const maxLength = 2048
const control = /\p{Cc}/u
/** What no URI reference has. Characters beyond ASCII pass: an IRI is common and does no harm. */
const notInUri = /[\s"<>\\^`{|}]/
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:\d\d)$/

const isText = (value: string): boolean => value.length <= maxLength && !control.test(value) && value.isWellFormed()

/** Epoch milliseconds of an RFC 3339 time; `undefined` when it is none. */
const parseTime = (text: string): number | undefined => {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  // `Date` knows the form, but lets 30 February be 1 March, and knows no leap second.
  const time = Date.parse(text.toUpperCase().replace(/:60(?=[.Z+-])/, ':59'))
  const days = new Date(Date.UTC(2000 + (Number(match[1]) % 400), Number(match[2]), 0)).getUTCDate()
  return Number.isNaN(time) || Number(match[3]) > days ? undefined : time
}

/**
 * Checks attributes and makes a CloudEvent of them; `undefined` when they are none. A producer's mistake never makes a record unreadable:
 * it is delivered as it is then.
 *
 * @param attributes by name, `datacontenttype` included
 */
export const cloudEventOf = (attributes: ReadonlyMap<string, string>): CloudEventView | undefined => {
  if (attributes.size > maxAttributes || attributes.get('specversion') !== '1.0') return undefined
  for (const [name, value] of attributes) if (!attributeName.test(name) || !isText(value)) return undefined
  const [id = '', source = '', type = ''] = ['id', 'source', 'type'].map((name) => attributes.get(name))
  if (id === '' || source === '' || type === '' || notInUri.test(source)) return undefined
  const timeText = attributes.get('time')
  const time = timeText === undefined ? undefined : parseTime(timeText)
  if (timeText !== undefined && time === undefined) return undefined
  const partitionKey = attributes.get('partitionkey')
  const contentType = attributes.get('datacontenttype')
  return {
    id,
    source,
    type,
    headers: [...attributes].filter(([name]) => name !== 'datacontenttype').map(([name, value]): HeaderField => [`ce-${name}`, value]),
    ...(time !== undefined && { time }),
    ...(partitionKey !== undefined && partitionKey !== '' && { partitionKey }),
    ...(contentType !== undefined && { contentType }),
  }
}
