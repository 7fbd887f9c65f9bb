import { MillraceError } from '@millrace/sdk'
import type { AmqpChannel, AmqpConfirmChannel, AmqpConnection, AmqpLink, ConnectionRole } from '../../src/transport/transport.ts'
import type { MemoryBroker } from './broker.ts'
import { MemoryChannel } from './channel.ts'
import { MemoryConfirmChannel } from './confirm-channel.ts'

const unreachable = (): MillraceError => new MillraceError('E_RABBITMQ_UNREACHABLE', { brokers: 'memory', reason: 'it is down' })

/** One link to the broker in memory. */
export class MemoryLink implements AmqpLink {
  readonly role: ConnectionRole
  readonly broker: MemoryBroker
  readonly #lost = new AbortController()
  readonly #listeners = new Set<(blocked: boolean, reason: string) => void>()
  /** Alarms hold up those that publish. */
  #published = false

  constructor(broker: MemoryBroker, role: ConnectionRole) {
    this.broker = broker
    this.role = role
    broker.links.add(this)
  }

  get serverVersion(): string {
    return this.broker.version
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get blocked(): boolean {
    return this.broker.blocked && this.#published
  }

  onBlocked(listener: (blocked: boolean, reason: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  sayBlocked(): void {
    if (!this.#published) return
    for (const listener of this.#listeners) listener(this.blocked, 'low on memory')
  }

  async openChannel(): Promise<AmqpChannel> {
    await new Promise<void>((resolve) => void setImmediate(resolve))
    this.lost.throwIfAborted()
    const refused = this.broker.refuse('open', '', this.role)
    if (refused instanceof MillraceError) throw refused
    return new MemoryChannel(this)
  }

  async openConfirmChannel(): Promise<AmqpConfirmChannel> {
    await new Promise<void>((resolve) => void setImmediate(resolve))
    this.lost.throwIfAborted()
    this.#published = true
    return new MemoryConfirmChannel(this)
  }

  end(reason: MillraceError): void {
    this.broker.links.delete(this)
    this.#lost.abort(reason)
  }
}

/** A connection of one role, made again for as long as the broker is up. */
export class MemoryConnection implements AmqpConnection {
  readonly address = 'memory'
  reconnects = -1
  readonly #broker: MemoryBroker
  readonly #role: ConnectionRole
  #link: MemoryLink | undefined
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(broker: MemoryBroker, role: ConnectionRole) {
    this.#broker = broker
    this.#role = role
    this.retry()
  }

  retry(): void {
    if (!this.#broker.up || this.#closed || this.#link?.lost.aborted === false) return
    const link = new MemoryLink(this.#broker, this.#role)
    this.#link = link
    this.reconnects += 1
    link.lost.addEventListener('abort', () => setImmediate(() => this.retry()), { once: true })
    for (const tell of this.#waiting) tell()
  }

  link(timeoutMs: number, signal?: AbortSignal): Promise<AmqpLink> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const look = (): void => {
        const link = this.#link
        if (link?.lost.aborted === false) end(() => resolve(link))
      }
      const abort = (): void => end(() => reject(signal?.reason as Error))
      const timer = setTimeout(() => end(() => reject(unreachable())), timeoutMs)
      this.#waiting.add(look)
      signal?.addEventListener('abort', abort)
      if (signal?.aborted === true) abort()
      else if (this.#closed) end(() => reject(unreachable()))
      else look()
    })
  }

  close(): Promise<void> {
    this.#closed = true
    this.#link?.end(new MillraceError('E_RABBITMQ_CONNECTION', { brokers: 'memory', reason: 'closed' }))
    return Promise.resolve()
  }
}
