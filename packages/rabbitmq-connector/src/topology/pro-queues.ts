import { readName } from './read-values.ts'
import type { Read } from './read-values.ts'

/** A queue in the form of OpenFaaS Pro's connector (openfaas.md 1.7). */
export interface ProQueue {
  readonly name: string
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly exclusive: boolean
}

const maxQueues = 1000
const maxLength = 262_144
const flags: readonly string[] = ['durable', 'nowait', 'autodelete', 'exclusive']
const known = 'name, durable, nowait, autodelete and exclusive are allowed'

const readFlag = (value: unknown): boolean | undefined => {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  return value === 'true' ? true : value === 'false' ? false : undefined
}

const readEntry = (entry: unknown): Read<ProQueue> => {
  if (typeof entry === 'string') return readEntry({ name: entry, durable: true })
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return { problem: 'it is no object, {"name": "orders", "durable": true}' }
  // Own keys only, by a map: the text is from outside.
  const fields = new Map<string, unknown>(Object.entries(entry))
  const strange = [...fields.keys()].find((key) => key !== 'name' && !flags.includes(key))
  if (strange !== undefined) return { problem: `it has a field of another name; ${known}` }
  const name = fields.get('name')
  const read: Read<string> = typeof name === 'string' ? readName(name) : { problem: 'its name is missing or no text' }
  if ('problem' in read) return read
  const wrong = flags.find((flag) => readFlag(fields.get(flag)) === undefined)
  if (wrong !== undefined) return { problem: `${wrong} is neither true nor false` }
  const is = (flag: string): boolean => readFlag(fields.get(flag)) === true
  return { value: { name: read.value, durable: is('durable'), autoDelete: is('autodelete'), exclusive: is('exclusive') } }
}

/**
 * Reads the JSON of the setting `queues`: a list of `{name, durable, nowait, autodelete, exclusive}`, flags false where they are missing
 * as in Pro's Go program. A bare text stands for a durable queue. `nowait` is accepted and has no effect: every declaration is waited for.
 *
 * @returns the queues, or one sentence about the first thing that is wrong, without the value
 */
export const readProQueues = (text: string): Read<readonly ProQueue[]> => {
  if (text.length > maxLength) return { problem: `it has ${text.length} characters, ${maxLength} are allowed` }
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return { problem: 'it is not JSON; a list is expected, [{"name": "orders", "durable": true}]' }
  }
  if (!Array.isArray(list)) return { problem: 'it is no list; expected [{"name": "orders", "durable": true}]' }
  if (list.length > maxQueues) return { problem: `it has ${list.length} queues, ${maxQueues} are allowed` }
  const queues = new Map<string, ProQueue>()
  for (const [index, entry] of list.entries()) {
    const read = readEntry(entry)
    if ('problem' in read) return { problem: `entry ${index + 1}: ${read.problem}` }
    if (queues.has(read.value.name)) return { problem: `entry ${index + 1}: a queue of this name is there already` }
    queues.set(read.value.name, read.value)
  }
  return { value: [...queues.values()] }
}
