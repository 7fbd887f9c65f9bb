import type { HeaderField, MillraceEvent } from '../../contract/event.ts'

/** What the data of an event is as JSON. */
export type JsonData = { readonly value: unknown } | undefined

const utf8 = new TextDecoder('utf-8', { fatal: true })
const lenient = new TextDecoder('utf-8')

/** Parses UTF-8 JSON; anything else, also a text too deep for the parser, is `undefined`. */
const parseJson = (data: Uint8Array): JsonData => {
  try {
    return { value: JSON.parse(utf8.decode(data)) as unknown }
  } catch {
    return undefined
  }
}

const valueText = (value: string | Uint8Array): string => (typeof value === 'string' ? value : lenient.decode(value))

const indexHeaders = (fields: readonly HeaderField[], into: Map<string, string[]>): void => {
  for (const [name, value] of fields) {
    const key = name.toLowerCase()
    const values = into.get(key)
    if (values === undefined) into.set(key, [valueText(value)])
    else values.push(valueText(value))
  }
}

const none: readonly string[] = []

/** An event as filters read it: headers by lower-case name, data as JSON. Each is worked out once, when first asked for. */
export class EventView {
  readonly event: MillraceEvent
  #headers: Map<string, string[]> | undefined
  #json: { readonly data: JsonData } | undefined

  constructor(event: MillraceEvent) {
    this.event = event
  }

  /** All values of a header. The source's own attributes hide a producer's header of the same name. */
  header(lowerCaseName: string): readonly string[] {
    this.#headers ??= this.#index()
    return this.#headers.get(lowerCaseName) ?? none
  }

  /** The data as JSON; `undefined` when it is longer than `maxBytes` or no JSON. */
  json(maxBytes: number): JsonData {
    if (this.event.data.byteLength > maxBytes) return undefined
    this.#json ??= { data: parseJson(this.event.data) }
    return this.#json.data
  }

  #index(): Map<string, string[]> {
    const headers = new Map<string, string[]>()
    indexHeaders(this.event.headers, headers)
    const attributes = new Map<string, string[]>()
    indexHeaders(this.event.attributes ?? [], attributes)
    for (const [name, values] of attributes) headers.set(name, values)
    return headers
  }
}

let latest: EventView | undefined

/**
 * The view of an event. Only the latest one is kept: all functions of an event are asked one after the other, so one
 * parse serves them, while a parsed copy for each waiting event would take many times the memory of its bytes.
 */
export const viewOf = (event: MillraceEvent): EventView => {
  if (latest?.event !== event) latest = new EventView(event)
  return latest
}
