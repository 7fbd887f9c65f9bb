import { describeError, isMillraceError } from '@millrace/sdk'
import type { Clock, Logger } from '@millrace/sdk'
import type { DriverRecord } from '../driver/driver.ts'
import type { DecodedValue } from '../mapping/record-to-event.ts'
import { fetchSchema } from './fetch-schema.ts'
import type { SchemaReader } from './fetch-schema.ts'
import type { RegistryClient } from './registry-client.ts'
import { schemaReferenceOf } from './wire-format.ts'

/**
 * Values of the schema registry's wire format. A partition asks `ready` before it takes a record, and waits while there is something to
 * wait for: so order is kept, and a registry that is down holds records back instead of failing them.
 */
export interface ValueDecoder {
  /** `undefined`: the schema is known. Else resolves when it is; rejects only when the connector stops. */
  ready(record: DriverRecord): Promise<void> | undefined
  /** After `ready`. `undefined`: the value is not in the wire format, and is handed on as it is. Never throws. */
  decode(record: DriverRecord): DecodedValue | undefined
  close(): void
}

/** What a decoder is given. */
export interface ValueDecoderOptions {
  readonly client: RegistryClient
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly random?: () => number
}

/** A schema; or why there is none, and until when (monotonic) that holds: it may be registered a moment later. */
type Known = { readonly read: SchemaReader } | { readonly reason: string; readonly until: number }

const maxSchemas = 1000
const unknownMs = 30_000
const [firstWaitMs, maxWaitMs] = [500, 30_000]

class Decoder implements ValueDecoder {
  readonly #options: ValueDecoderOptions
  /** The least recently used first. */
  readonly #known = new Map<string, Known>()
  readonly #loading = new Map<string, Promise<void>>()

  constructor(options: ValueDecoderOptions) {
    this.#options = options
  }

  ready(record: DriverRecord): Promise<void> | undefined {
    const path = schemaReferenceOf(record)?.path
    if (path === undefined || this.#find(path) !== undefined) return undefined
    const running = this.#loading.get(path)
    if (running !== undefined) return running
    const loading = this.#load(path).finally(() => this.#loading.delete(path))
    this.#loading.set(path, loading)
    return loading
  }

  decode(record: DriverRecord): DecodedValue | undefined {
    const reference = schemaReferenceOf(record)
    if (reference === undefined) return undefined
    const known = this.#known.get(reference.path)
    const unreadable = (detail: string): DecodedValue => ({ unreadable: { reason: 'decode', detail: `${reference.path}: ${detail}` } })
    if (known === undefined) return unreadable('its schema was not asked for')
    if (!('read' in known)) return unreadable(known.reason)
    try {
      return { data: known.read(reference.rest, reference.payload), contentType: 'application/json' }
    } catch (error) {
      return unreadable(describeError(error, 200))
    }
  }

  close(): void {
    this.#options.client.close()
  }

  #find(path: string): Known | undefined {
    const known = this.#known.get(path)
    if (known === undefined) return undefined
    this.#known.delete(path)
    if ('until' in known && known.until <= this.#options.clock.monotonic()) return undefined
    this.#known.set(path, known)
    return known
  }

  #keep(path: string, known: Known): void {
    this.#known.set(path, known)
    const [oldest] = this.#known.keys()
    if (this.#known.size > maxSchemas && oldest !== undefined) this.#known.delete(oldest)
  }

  /** Asks until there is an answer. */
  async #load(path: string): Promise<void> {
    const { client, signal, clock } = this.#options
    const lost = (reason: string): Known => ({ reason, until: clock.monotonic() + unknownMs })
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      signal.throwIfAborted()
      try {
        const read = await fetchSchema(client, path, signal)
        this.#keep(path, read === undefined ? lost('the registry has no such schema') : { read })
        return
      } catch (error) {
        if (signal.aborted) throw error
        if (!isMillraceError(error)) {
          this.#keep(path, lost(describeError(error, 200)))
          return
        }
        const { logger, random = Math.random } = this.#options
        const ms = Math.round(waitMs * (0.5 + random() / 2))
        logger.error(error.message, { code: error.code, effect: error.effect, fix: error.fix, retryMs: ms })
        await this.#wait(ms)
      }
    }
  }

  #wait(ms: number): Promise<void> {
    const { clock, signal } = this.#options
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.after(ms, end)
      signal.addEventListener('abort', end)
    })
  }
}

/** A decoder over a registry. Schemas are kept, the 1,000 that were used last; each is asked for once, however many records wait for it. */
export const valueDecoder = (options: ValueDecoderOptions): ValueDecoder => new Decoder(options)
