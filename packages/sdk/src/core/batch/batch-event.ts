import type { HeaderField, MillraceEvent } from '../../contract/event.ts'
import type { BatchPolicy } from '../function-policy.ts'

/** One item of a batch: an event with the number of its attempt, from 1. */
export interface BatchItem {
  readonly event: MillraceEvent
  readonly attempt: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const headersOf = (fields: readonly HeaderField[]): Record<string, string | string[]> => {
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of fields) {
    const text = typeof value === 'string' ? value : Buffer.from(value).toString('utf8')
    const known = headers[name]
    if (known === undefined) headers[name] = text
    else headers[name] = [...(typeof known === 'string' ? [known] : known), text]
  }
  return headers
}

const jsonType = /^application\/(?:[\w.+-]+\+)?json\b/i

/** JSON as JSON, other text as a string, everything else as base64. */
const dataOf = (event: MillraceEvent, inline: boolean): { data: unknown } | { data_base64: string } => {
  const text = textOf(event.data)
  if (text === undefined) return { data_base64: Buffer.from(event.data).toString('base64') }
  if (inline && jsonType.test(event.contentType ?? '')) {
    try {
      return { data: JSON.parse(text) as unknown }
    } catch {
      // It says JSON and is not: the function gets the text and may complain about it.
    }
  }
  return { data: text }
}

const plainItem = ({ event, attempt }: BatchItem): unknown => {
  const data = dataOf(event, false)
  return {
    id: event.id,
    topic: event.topic,
    ...(event.orderingKey !== undefined && { key: event.orderingKey }),
    headers: headersOf([...event.headers, ...(event.attributes ?? [])]),
    ...(event.contentType !== undefined && { contentType: event.contentType }),
    ...('data' in data ? { data: data.data } : { dataBase64: data.data_base64 }),
    attempt,
  }
}

const cloudEvent = ({ event, attempt }: BatchItem): unknown => ({
  specversion: '1.0',
  id: event.id,
  source: event.source,
  type: event.type,
  ...(event.time !== undefined && { time: new Date(event.time).toISOString() }),
  ...(event.contentType !== undefined && { datacontenttype: event.contentType }),
  ...(event.orderingKey !== undefined && { partitionkey: event.orderingKey }),
  topic: event.topic,
  attempt,
  ...dataOf(event, true),
})

/**
 * One event that carries several: a JSON array of `{id, topic, key, headers, contentType, data | dataBase64, attempt}`,
 * or a CloudEvents batch (CloudEvents JSON format 1.0 section 4). Its id names its first item and its size.
 */
export const batchEvent = (items: readonly BatchItem[], format: BatchPolicy['format']): MillraceEvent => {
  const first = items[0]?.event
  const body = items.map(format === 'cloudevents' ? cloudEvent : plainItem)
  return {
    id: `batch:${first?.id ?? ''}+${items.length}`,
    ...(items.some(({ event }) => event.ambiguousId === true) && { ambiguousId: true }),
    source: first?.source ?? '/batch',
    type: 'com.openfaas.connector.batch',
    topic: first?.topic ?? '',
    data: Buffer.from(JSON.stringify(body)),
    contentType: format === 'cloudevents' ? 'application/cloudevents-batch+json' : 'application/json',
    headers: [],
    attributes: [['X-Batch-Size', String(items.length)]],
  }
}
