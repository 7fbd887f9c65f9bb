import { MillraceError } from '@millrace/sdk'
import type { Message } from '../../src/transport/message.ts'
import type { AmqpConfirmChannel } from '../../src/transport/transport.ts'
import type { MemoryLink } from './connection.ts'

/** Confirms in a turn of their own; under an alarm not before its end. */
export class MemoryConfirmChannel implements AmqpConfirmChannel {
  readonly #link: MemoryLink
  readonly #lost = new AbortController()
  readonly #out = new Set<(error?: Error) => void>()
  readonly #held: (() => void)[] = []

  constructor(link: MemoryLink) {
    this.#link = link
    link.lost.addEventListener('abort', () => this.#end(link.lost.reason), { once: true })
    link.onBlocked((blocked) => {
      if (!blocked) for (const go of this.#held.splice(0)) go()
    })
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  publish(message: Message, mandatory: boolean, done: (error?: Error) => void): boolean {
    this.lost.throwIfAborted()
    this.#out.add(done)
    const go = (): void => {
      if (!this.#out.delete(done)) return
      const place = { exchange: message.exchange, key: message.routingKey }
      const refused = this.#link.broker.refuse('publish', message.routingKey, 'publish')
      if (refused instanceof MillraceError) return done(refused)
      const routed = this.#link.broker.route(message)
      done(routed === 0 && mandatory ? new MillraceError('E_RABBITMQ_UNROUTABLE', { ...place, reason: 'NO_ROUTE' }) : undefined)
    }
    if (this.#link.blocked) this.#held.push(go)
    else setImmediate(go)
    return true
  }

  onDrain(): void {}

  close(): Promise<void> {
    this.#end(undefined)
    return Promise.resolve()
  }

  #end(reason: unknown): void {
    if (this.lost.aborted) return
    this.#lost.abort(reason)
    for (const done of Array.from(this.#out)) {
      this.#out.delete(done)
      done(new MillraceError('E_RABBITMQ_UNCONFIRMED', { exchange: '', key: '', reason: 'the channel is gone' }))
    }
  }
}
