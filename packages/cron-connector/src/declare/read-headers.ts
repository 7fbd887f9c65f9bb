import type { HeaderField } from '@millrace/sdk'
import { quote } from '../schedule/result.ts'
import type { Result } from '../schedule/result.ts'

const MAX_HEADERS = 32
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

/**
 * Framing belongs to the HTTP client, secrets do not belong into an annotation, and the rest is ours or steers the gateway.
 */
const denied =
  /^(?:connection|content-length|content-type|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade|authorization|cookie|set-cookie|proxy-.*|accept|accept-encoding|forwarded|idempotency-key|user-agent|x-(?:connector|topic|event-id|call-id|delivery-attempt|callback-url|openfaas-internal|start-time|timeout|millrace-.*|cron-.*|forwarded-.*))$/

const fromJson = (text: string): [string, unknown][] | undefined => {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? Object.entries(parsed) : undefined
  } catch {
    return undefined
  }
}

const fromLines = (text: string): [string, unknown][] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [line, undefined] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
    })

/** Reads the annotation `headers`: one `Name: value` a line, or a JSON object of strings. */
export const readHeaders = (text: string): Result<readonly HeaderField[]> => {
  const entries = text.trimStart().startsWith('{') ? fromJson(text) : fromLines(text)
  if (entries === undefined) return { problem: 'it is no JSON object; write one "Name: value" a line, or {"Name": "value"}' }
  if (entries.length > MAX_HEADERS) return { problem: `it has ${entries.length} headers; at most ${MAX_HEADERS} are allowed` }
  const fields: HeaderField[] = []
  for (const [name, value] of entries) {
    if (!token.test(name) || typeof value !== 'string')
      return { problem: `${quote(name)} is no header; write one "Name: value" a line, or {"Name": "value"}` }
    if (denied.test(name.toLowerCase())) return { problem: `the header ${quote(name)} may not be set by an annotation` }
    fields.push([name, value])
  }
  return { value: fields }
}
