import { MillraceError, printable } from '@millrace/sdk'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { YAMLMap } from 'yaml'
import { byteLength, maxNameBytes, templumQueue } from './names.ts'
import { readName } from './read-values.ts'
import { bindingKey } from './routing-key.ts'

/** One entry of Templum/rabbitmq-connector's `topology.yaml`: an exchange, and a queue for each of its topics. */
export interface TemplumExchange {
  readonly name: string
  readonly topics: readonly string[]
  /** The exchange is declared here; else it is only checked. */
  readonly declare: boolean
  readonly type: 'direct' | 'topic'
  /** Of the exchange and of its queues. */
  readonly durable: boolean
  /** Of the exchange and of its queues. */
  readonly autoDeleted: boolean
}

/** @see readTemplumTopology */
export interface TemplumTopology {
  readonly exchanges: readonly TemplumExchange[]
  /** What is taken otherwise than it is written, `file:line: text` each. */
  readonly hints: readonly string[]
}

const maxLength = 1_048_576
const maxEntries = 1000
const maxTopics = 256
const maxProblems = 20
const fields: readonly string[] = ['name', 'topics', 'declare', 'type', 'durable', 'auto-deleted']
const words: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [undefined, false],
  [true, true],
  [false, false],
  // Text to YAML 1.2, booleans to the parser of Go that Templum uses.
  ...['true', 'yes', 'on', 'y'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', 'n'].map((word) => [word, false] as const),
])

/** Reads one file and collects what is wrong with it, by line. */
class TopologyReader {
  readonly problems: string[] = []
  readonly hints: string[] = []
  readonly #queues = new Set<string>()
  readonly #file: string
  readonly #lines = new LineCounter()

  constructor(file: string) {
    this.#file = file
  }

  read(text: string): readonly TemplumExchange[] {
    if (text.length > maxLength) return this.#refuse(1, `the file has ${text.length} characters, ${maxLength} are allowed`)
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    for (const error of document.errors) this.#refuse(this.#lineAt(error.pos[0]), `not valid YAML (${error.code})`)
    if (this.problems.length > 0) return []
    const root: unknown = document.contents
    if (!isSeq(root)) return this.#refuse(1, 'the file must be a list of exchanges, each with name and topics')
    if (root.items.length > maxEntries) return this.#refuse(1, `it has ${root.items.length} exchanges, ${maxEntries} are allowed`)
    return root.items.flatMap((item) => {
      if (isMap(item)) return this.#entry(item)
      return this.#refuse(this.#lineOf(item), 'an entry must be a mapping with name, topics, declare, type, durable and auto-deleted')
    })
  }

  #entry(entry: YAMLMap): readonly TemplumExchange[] {
    const values = new Map<string, { readonly value: unknown; readonly line: number }>()
    const before = this.problems.length
    for (const { key, value } of entry.items) {
      const line = this.#lineOf(key)
      const name = isScalar(key) ? String(key.value) : ''
      if (fields.includes(name)) values.set(name, { value, line })
      else this.#refuse(line, `\`${printable(name, 60)}\` is not known; ${fields.join(', ')} are allowed`)
    }
    const line = this.#lineOf(entry)
    const scalar = (name: string): unknown => this.#scalar(values.get(name)?.value)
    const flag = (name: string): boolean => {
      const value = scalar(name)
      const known = words.get(typeof value === 'string' ? value.toLowerCase() : value)
      if (known === undefined) this.#refuse(values.get(name)?.line ?? line, `${name} is neither true nor false`)
      return known ?? false
    }
    const type = this.#type(scalar('type'), values.get('type')?.line ?? line)
    const name = this.#name(scalar('name'), values.get('name')?.line ?? line)
    const topics = this.#topics(values.get('topics')?.value, values.get('topics')?.line ?? line, name, type)
    const found = { name, topics, type, declare: flag('declare'), durable: flag('durable'), autoDeleted: flag('auto-deleted') }
    return this.problems.length === before ? [found] : []
  }

  #type(value: unknown, line: number): 'direct' | 'topic' {
    if (value === 'direct' || value === 'topic') return value
    if (value !== undefined) this.#hint(line, 'type is neither direct nor topic; it is taken for direct, as Templum does')
    return 'direct'
  }

  #name(value: unknown, line: number): string {
    const read = typeof value === 'string' || typeof value === 'number' ? readName(String(value)) : { problem: 'missing or no text' }
    if ('value' in read) return read.value
    this.#refuse(line, `name: ${read.problem}`)
    return ''
  }

  #topics(list: unknown, line: number, exchange: string, type: 'direct' | 'topic'): readonly string[] {
    if (!isSeq(list) || list.items.length === 0) return this.#refuse(line, 'topics must be a list of at least one topic')
    if (list.items.length > maxTopics) return this.#refuse(line, `it has ${list.items.length} topics, ${maxTopics} are allowed`)
    return list.items.flatMap((item) => {
      const value = this.#scalar(item)
      const topic = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
      const queue = templumQueue(exchange, topic)
      const key = bindingKey(topic, type)
      if ('problem' in key) return this.#refuse(this.#lineOf(item, line), `topic \`${printable(topic, 60)}\`: ${key.problem}`)
      if (byteLength(queue) > maxNameBytes)
        return this.#refuse(this.#lineOf(item, line), `its queue would have a name of more than ${maxNameBytes} bytes`)
      if (this.#queues.has(queue))
        return this.#refuse(this.#lineOf(item, line), `its queue \`${printable(queue, 100)}\` is in the file already`)
      this.#queues.add(queue)
      return [topic]
    })
  }

  /** A plain value; aliases could make a small file a large one and are refused with the value that they stand for. */
  #scalar(node: unknown): unknown {
    if (node === undefined) return undefined
    if (isAlias(node)) return Symbol.for('alias')
    return isScalar(node) ? (node.value ?? undefined) : Symbol.for('other')
  }

  #lineAt(offset: number | undefined): number {
    return Math.max(1, this.#lines.linePos(offset ?? 0).line)
  }

  #lineOf(node: unknown, otherwise = 1): number {
    const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined
    const start: unknown = Array.isArray(range) ? range[0] : undefined
    return typeof start === 'number' ? this.#lineAt(start) : otherwise
  }

  #hint(line: number, text: string): void {
    if (this.hints.length < maxProblems) this.hints.push(`${this.#file}:${line}: ${text}`)
  }

  /** @returns nothing, so that a reader can end with it */
  #refuse(line: number, reason: string): [] {
    if (this.problems.length < maxProblems) this.problems.push(`${this.#file}:${line}: ${reason}`)
    return []
  }
}

/**
 * Reads Templum's `topology.yaml` (e5c2ac3: a list of `{name, topics[], declare, type, durable, auto-deleted}`).
 *
 * @param file its path, for messages
 * @throws MillraceError `E_RABBITMQ_TOPOLOGY` with every mistake and its line, at most 20
 */
export const readTemplumTopology = (file: string, text: string): TemplumTopology => {
  const reader = new TopologyReader(file)
  const exchanges = reader.read(text)
  if (reader.problems.length > 0) throw new MillraceError('E_RABBITMQ_TOPOLOGY', { file, problems: reader.problems.join('\n') })
  return { exchanges, hints: reader.hints }
}
