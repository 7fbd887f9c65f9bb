import type { FieldTable } from '../transport/message.ts'
import { byteLength, maxNameBytes } from './names.ts'
import type { Binding } from './plan.ts'

/** What a queue was bound to by us, as it lies in the state store. */
export interface BindingRecord {
  readonly queue: string
  /** The only function that the queue is for. */
  readonly function?: string
  readonly bindings: ReadonlyMap<string, Binding>
}

const version = 1
const maxBindings = 20_000

/** What tells bindings apart. */
export const bindingId = ({ exchange, routingKey, arguments: args }: Binding): string =>
  JSON.stringify([exchange, routingKey, ...(args === undefined ? [] : [[...args].toSorted(([left], [right]) => (left < right ? -1 : 1))])])

/** Bindings by their ids; repeats once. */
export const byId = (bindings: Iterable<Binding>): Map<string, Binding> =>
  new Map([...bindings].map((binding) => [bindingId(binding), binding]))

/** One line of JSON: `{"v":1,"queue":…,"function":…,"bindings":[[exchange, key, [[header, value], …]?], …]}`. */
export const formatRecord = ({ queue, function: name, bindings }: BindingRecord): string =>
  JSON.stringify({ v: version, queue, function: name, bindings: [...bindings.keys()].toSorted().map((id): unknown => JSON.parse(id)) })

const isName = (value: unknown): value is string => typeof value === 'string' && byteLength(value) <= maxNameBytes

const readTable = (value: unknown): FieldTable | undefined => {
  if (!Array.isArray(value) || value.length > 256) return undefined
  const fits = value.every(
    (entry): entry is [string, string] => Array.isArray(entry) && entry.length === 2 && entry.every((part) => isName(part)),
  )
  return fits ? new Map(value) : undefined
}

const readBinding = (value: unknown): Binding | undefined => {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return undefined
  const [exchange, routingKey, table] = value as readonly unknown[]
  if (!isName(exchange) || exchange === '' || !isName(routingKey)) return undefined
  if (table === undefined) return { exchange, routingKey }
  const args = readTable(table)
  return args && { exchange, routingKey, arguments: args }
}

/** Reads what lies in the store, whoever has written it there. Never throws; `undefined`: it is none of ours. */
export const parseRecord = (bytes: Uint8Array): BindingRecord | undefined => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields = new Map<string, unknown>(Object.entries(value))
  const [queue, name, list] = [fields.get('queue'), fields.get('function'), fields.get('bindings')]
  if (fields.get('v') !== version || !isName(queue) || queue === '' || !Array.isArray(list) || list.length > maxBindings) return undefined
  if (name !== undefined && !isName(name)) return undefined
  const bindings = list.map(readBinding)
  if (!bindings.every((binding) => binding !== undefined)) return undefined
  return { queue, ...(name !== undefined && { function: name }), bindings: byId(bindings) }
}
