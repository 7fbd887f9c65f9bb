import { createHash } from 'node:crypto'
import { MillraceError, describeError } from '@millrace/sdk'
import type { StateStore } from '@millrace/sdk'
import { byId, formatRecord, parseRecord } from './binding-record.ts'
import type { BindingRecord } from './binding-record.ts'
import type { Binding } from './plan.ts'

/** @see BindingBook */
export interface BindingBookOptions {
  readonly state: StateStore
  /**
   * Whose bindings these are. Replicas of one connector share them; two connectors on one state store must not, or each would take the
   * other's for left over. At most 128 bytes.
   */
  readonly owner: string
  readonly vhost: string
  /** Told what could not be read or written; it goes on without. */
  readonly warn: (problem: MillraceError) => void
}

const attempts = 5

/** Keys of the store have at most 512 bytes, and a queue alone may have 255. */
const vhostPart = (vhost: string): string => {
  const encoded = encodeURIComponent(vhost.toWellFormed())
  return encoded.length <= 64 ? encoded : createHash('sha256').update(vhost).digest('hex').slice(0, 32)
}

const encoder = new TextEncoder()

/**
 * Which bindings we have made, by queue: AMQP 0-9-1 cannot list bindings, and what nobody wants any more must be unbound also after a
 * restart. One record of the state store for each queue, `rabbitmq/bindings/<owner>/<vhost>/<queue>` (the vhost
 * percent-encoded, a long one as a hash), written before something is bound and after
 * something is unbound, so that after a crash it names too much and never too little.
 *
 * What may be unbound is what this process has itself known as wanted: what lay in the store when it began, and what its own plans have said
 * since. What another replica has added meanwhile, with a newer list of functions, is left alone.
 */
export class BindingBook {
  readonly #options: BindingBookOptions
  readonly #known = new Map<string, BindingRecord>()
  /** What the store could not take: written with the next change. */
  readonly #unwritten = new Set<string>()
  #loaded = false
  #loading: Promise<void> | undefined

  constructor(options: BindingBookOptions) {
    this.#options = options
  }

  /** Queues with bindings of ours, and the function that each was for. */
  async queues(): Promise<readonly BindingRecord[]> {
    await this.#load()
    return [...this.#known.values()]
  }

  /** What a queue was bound to by us, as far as this process knows. By `bindingId`. */
  async known(queue: string): Promise<ReadonlyMap<string, Binding>> {
    await this.#load()
    return this.#known.get(queue)?.bindings ?? new Map()
  }

  /** Some of `more` will be bound: they are written down first. Never rejects. */
  async add(queue: string, functionName: string | undefined, more: ReadonlyMap<string, Binding>): Promise<void> {
    const known = await this.known(queue)
    const all = new Map([...known, ...more])
    if (all.size === known.size && !this.#unwritten.has(queue)) return
    await this.#change(queue, functionName, (stored) => new Map([...stored, ...all]), all)
  }

  /** These are unbound. Never rejects. */
  async remove(queue: string, functionName: string | undefined, gone: ReadonlySet<string>): Promise<void> {
    if (gone.size === 0) return
    const without = (bindings: ReadonlyMap<string, Binding>): Map<string, Binding> => new Map([...bindings].filter(([id]) => !gone.has(id)))
    await this.#change(queue, functionName, without, without(await this.known(queue)))
  }

  async #change(
    queue: string,
    functionName: string | undefined,
    change: (stored: ReadonlyMap<string, Binding>) => Map<string, Binding>,
    known: ReadonlyMap<string, Binding>,
  ): Promise<void> {
    const named = functionName === undefined ? {} : { function: functionName }
    if (known.size === 0) this.#known.delete(queue)
    else this.#known.set(queue, { queue, ...named, bindings: known })
    this.#unwritten.add(queue)
    try {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        if (!(await this.#put(queue, named, change))) continue
        this.#unwritten.delete(queue)
        return
      }
      this.#complain(queue, 'others write the record all the time')
    } catch (error) {
      this.#complain(queue, describeError(error))
    }
  }

  async #put(
    queue: string,
    named: { readonly function?: string },
    change: (stored: ReadonlyMap<string, Binding>) => Map<string, Binding>,
  ): Promise<boolean> {
    const { state } = this.#options
    const key = this.#key(queue)
    const found = await state.get(key)
    const stored = found && parseRecord(found.value)
    const bindings = change(stored?.queue === queue ? stored.bindings : byId([]))
    if (bindings.size === 0) return found === undefined || state.delete(key, found.version)
    const text = formatRecord({ queue, ...named, bindings })
    return (await state.put(key, encoder.encode(text), found?.version ?? 'absent')) !== undefined
  }

  /** Once; again at the next call if the store did not answer. */
  async #load(): Promise<void> {
    if (this.#loaded) return
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined))
    await this.#loading
  }

  async #read(): Promise<void> {
    const { state } = this.#options
    const found: BindingRecord[] = []
    try {
      for (const key of await state.keys(this.#key(''))) {
        const stored = await state.get(key)
        const record = stored && parseRecord(stored.value)
        if (record !== undefined && key === this.#key(record.queue)) found.push(record)
        else if (stored !== undefined) this.#complain(key.slice(this.#key('').length), 'its record in the state store is none of ours')
      }
      // Something may have been bound meanwhile, while the store did not answer.
      for (const record of found) {
        const bindings = new Map([...record.bindings, ...(this.#known.get(record.queue)?.bindings ?? [])])
        this.#known.set(record.queue, { ...record, bindings })
      }
      this.#loaded = true
    } catch (error) {
      this.#complain('(all)', describeError(error))
    }
  }

  #key(queue: string): string {
    return `rabbitmq/bindings/${this.#options.owner}/${vhostPart(this.#options.vhost)}/${queue}`
  }

  #complain(queue: string, reason: string): void {
    const { warn, vhost } = this.#options
    warn(new MillraceError('E_RABBITMQ_BINDINGS', { queue, vhost, reason }))
  }
}
