import { MillraceError } from '@millrace/sdk'
import type { Message } from './message.ts'
import { createPublisher } from './publisher.ts'
import type { PublisherOptions } from './publisher.ts'
import type { AmqpChannel, AmqpConnection, Publisher } from './transport.ts'

/** A publisher that can be handed out before there is a connection: what is made of a source is made before it connects. */
export class LazyPublisher implements Publisher {
  readonly #options: PublisherOptions
  #opened: { readonly publisher: Publisher; readonly connection: AmqpConnection } | undefined

  constructor(options: PublisherOptions = {}) {
    this.#options = options
  }

  /** From now on it publishes over `connection`, and closes it with itself. */
  open(connection: AmqpConnection): void {
    this.#opened = { publisher: createPublisher(connection, this.#options), connection }
  }

  get blocked(): boolean {
    return this.#opened?.publisher.blocked ?? false
  }

  onBlocked(listener: (blocked: boolean) => void): () => void {
    return this.#publisher.onBlocked(listener)
  }

  async publish(message: Message, options?: { readonly mandatory?: boolean }): Promise<void> {
    return this.#publisher.publish(message, options)
  }

  async openChannel(): Promise<AmqpChannel> {
    return this.#publisher.openChannel()
  }

  async close(): Promise<void> {
    await this.#opened?.publisher.close()
    await this.#opened?.connection.close()
  }

  get #publisher(): Publisher {
    if (this.#opened === undefined) throw new MillraceError('E_INTERNAL_STATE', { what: 'the publisher has no connection yet' })
    return this.#opened.publisher
  }
}
