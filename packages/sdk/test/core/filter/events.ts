import type { HeaderField, MillraceEvent } from '../../../src/contract/event.ts'

interface EventParts {
  readonly topic?: string
  readonly type?: string
  readonly headers?: readonly HeaderField[]
  readonly attributes?: readonly HeaderField[]
  /** Data as text. */
  readonly text?: string
  /** Data as a value to print as JSON. */
  readonly json?: unknown
  readonly data?: Uint8Array
}

/** An event with these parts and nothing else of note. */
export const event = (parts: EventParts = {}): MillraceEvent => ({
  id: 'test:1',
  source: '/test',
  type: parts.type ?? 'com.example.test',
  topic: parts.topic ?? 'orders',
  data: parts.data ?? new TextEncoder().encode(parts.json === undefined ? (parts.text ?? '') : JSON.stringify(parts.json)),
  headers: parts.headers ?? [],
  ...(parts.attributes === undefined ? {} : { attributes: parts.attributes }),
})
