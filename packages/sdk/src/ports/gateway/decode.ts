import type { ListedFunction } from '../../core/topics/listed-function.ts'

/** What the gateway says of itself. */
export interface GatewayInfo {
  /** E.g. `faas-netes`; absent when the provider is down: `/system/info` then still answers 200. */
  readonly provider?: string
  /** E.g. `kubernetes`. */
  readonly orchestration?: string
  /** Release of the gateway, e.g. `0.27.12`. */
  readonly release?: string
}

/** The JSON is valid, yet not what the gateway's contract says. The text is for the error. */
export class UnexpectedShape extends Error {
  override readonly name: string = 'UnexpectedShape'
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Own properties only: JSON may name `__proto__` or `constructor`. */
const own = (record: Readonly<Record<string, unknown>>, name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined)

const ownText = (record: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = own(record, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

const parse = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as unknown
  } catch {
    // The engine's message quotes the text, which is the gateway's.
    throw new UnexpectedShape('the body is not JSON')
  }
}

const listOf = (body: Uint8Array, what: string): readonly unknown[] => {
  const value = parse(body)
  // Go encodes an empty slice as null: measured for functions, openfaas 2.1.
  if (value === null) return []
  if (!Array.isArray(value)) throw new UnexpectedShape(`the list of ${what} is not an array`)
  return value
}

const textMap = (value: unknown): ReadonlyMap<string, string> => {
  const map = new Map<string, string>()
  if (isRecord(value)) for (const [name, text] of Object.entries(value)) if (typeof text === 'string') map.set(name, text)
  return map
}

/**
 * Functions of a `/system/functions` body. An item without a name is left out: nobody could call it.
 *
 * @param namespace the one that was asked for; it replaces what the items say. Absent: the items' own stays
 * @throws UnexpectedShape for anything but `null` or an array of objects
 */
export const decodeFunctions = (body: Uint8Array, namespace: string | undefined): ListedFunction[] => {
  const functions: ListedFunction[] = []
  for (const item of listOf(body, 'functions')) {
    if (!isRecord(item)) throw new UnexpectedShape('an item of the list of functions is not an object')
    const name = ownText(item, 'name')
    if (name === undefined) continue
    const inside = namespace ?? ownText(item, 'namespace')
    const image = ownText(item, 'image')
    const createdAt = ownText(item, 'createdAt')
    functions.push({
      name,
      annotations: textMap(own(item, 'annotations')),
      ...(inside === undefined ? {} : { namespace: inside }),
      ...(image === undefined ? {} : { image }),
      ...(createdAt === undefined ? {} : { createdAt }),
    })
  }
  return functions
}

/**
 * Names of a `/system/namespaces` body, each once.
 *
 * @throws UnexpectedShape for anything but `null` or an array of strings
 */
export const decodeNamespaces = (body: Uint8Array): string[] => {
  const names = new Set<string>()
  for (const item of listOf(body, 'namespaces')) {
    if (typeof item !== 'string') throw new UnexpectedShape('an item of the list of namespaces is not a string')
    names.add(item)
  }
  return [...names]
}

/** @throws UnexpectedShape for anything but an object */
export const decodeInfo = (body: Uint8Array): GatewayInfo => {
  const value = parse(body)
  if (!isRecord(value)) throw new UnexpectedShape('the description of the gateway is not an object')
  const provider = own(value, 'provider')
  const version = own(value, 'version')
  const name = isRecord(provider) ? ownText(provider, 'provider') : undefined
  const orchestration = isRecord(provider) ? ownText(provider, 'orchestration') : undefined
  const release = isRecord(version) ? ownText(version, 'release') : undefined
  return {
    ...(name === undefined ? {} : { provider: name }),
    ...(orchestration === undefined ? {} : { orchestration }),
    ...(release === undefined ? {} : { release }),
  }
}
