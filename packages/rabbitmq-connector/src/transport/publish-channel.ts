import type { Message } from './message.ts'
import type { AmqpConfirmChannel } from './transport.ts'

/** A message on its way out. */
export interface Outgoing {
  readonly message: Message
  readonly mandatory: boolean
  /** When it was given or sent; of the publisher's own count of milliseconds. */
  since: number
  /** That it was sent on. */
  channel?: { retire(one: Outgoing): void }
}

/** What becomes of what is sent. */
export interface PublishHooks<T> {
  /** Once for each message, except those that are retired. */
  onEnd(one: T, error?: Error): void
  /** More may be sent. */
  onReady(): void
}

/** One channel with confirms, and what is out on it. */
export class PublishChannel<T extends Outgoing> {
  readonly #channel: AmqpConfirmChannel
  readonly #hooks: PublishHooks<T>
  readonly #out: Set<Outgoing> = new Set()
  #retired = false
  /** Its buffer is full: wait for `onReady`. */
  full: boolean = false

  constructor(channel: AmqpConfirmChannel, hooks: PublishHooks<T>) {
    this.#channel = channel
    this.#hooks = hooks
    channel.onDrain(() => {
      this.full = false
      hooks.onReady()
    })
    channel.lost.addEventListener('abort', () => hooks.onReady())
  }

  /** Nothing may be sent on it any more. */
  get ended(): boolean {
    return this.#retired || this.#channel.lost.aborted
  }

  send(one: T): void {
    one.channel = this
    this.#out.add(one)
    try {
      this.full = !this.#channel.publish(one.message, one.mandatory, (error) => this.#end(one, error))
    } catch (error) {
      // Out of the caller's loop, as every other end.
      queueMicrotask(() => this.#end(one, error instanceof Error ? error : new Error(String(error))))
    }
  }

  /** `one` is given up: the channel takes no more, and goes when the others on it have ended. */
  retire(one: Outgoing): void {
    this.#retired = true
    this.#out.delete(one)
    this.#closeIfDone()
  }

  async close(): Promise<void> {
    this.#retired = true
    await this.#channel.close()
  }

  #end(one: T, error: Error | undefined): void {
    if (!this.#out.delete(one)) return
    this.#closeIfDone()
    this.#hooks.onEnd(one, error)
  }

  #closeIfDone(): void {
    if (this.#retired && this.#out.size === 0) void this.#channel.close()
  }
}
