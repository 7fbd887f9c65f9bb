import { isDeepStrictEqual } from 'node:util'
import { describeError, MillraceError } from '@millrace/sdk'
import { isNack } from './amqp-errors.ts'
import { ChannelLife } from './amqplib-channel.ts'
import type { ChannelSurroundings } from './amqplib-channel.ts'
import type { ConfirmChannel, Message as RawMessage } from './amqplib.ts'
import { bytesOf, readMessage, writeOptions } from './message-codec.ts'
import type { Message } from './message.ts'
import type { AmqpConfirmChannel } from './transport.ts'

/** A message that is out and that the broker may return. */
interface Mandatory {
  readonly message: Message
  returned?: MillraceError
}

/** A channel with confirms of amqplib behind the seam. */
export class AmqplibConfirmChannel implements AmqpConfirmChannel {
  readonly #channel: ConfirmChannel
  readonly #around: ChannelSurroundings
  readonly #life: ChannelLife
  /** In the order of sending, which is the order in which the broker returns them. */
  readonly #mandatory: Set<Mandatory> = new Set()
  /** What was out when the channel ended, until its reason is known. */
  readonly #orphans: (() => void)[] = []

  constructor(channel: ConfirmChannel, around: ChannelSurroundings) {
    this.#channel = channel
    this.#around = around
    this.#life = new ChannelLife(channel, around)
    channel.on('return', (raw) => this.#onReturn(raw))
    this.lost.addEventListener('abort', () => {
      for (const refuse of this.#orphans.splice(0)) refuse()
    })
  }

  get lost(): AbortSignal {
    return this.#life.lost
  }

  publish(message: Message, mandatory: boolean, done: (error?: Error) => void): boolean {
    const { exchange, routingKey, body } = message
    if (this.#life.ended) throw this.#failure('E_RABBITMQ_UNCONFIRMED', message, this.#life.cause ?? new Error('the channel is closed'))
    const record: Mandatory = { message }
    try {
      const options = writeOptions(message, mandatory)
      const accepted = this.#channel.publish(exchange, routingKey, bytesOf(body), options, (error: unknown) => {
        this.#mandatory.delete(record)
        if (error === null) return this.#settle(done, record.returned)
        const refuse = (): void => this.#settle(done, this.#refusal(message, error))
        // A loss ends what was out before it says why.
        if (isNack(error)) refuse()
        else this.#orphans.push(refuse)
      })
      if (mandatory) this.#mandatory.add(record)
      return accepted
    } catch (error) {
      // amqplib encodes before it writes: nothing has gone out.
      const gone = error instanceof Error && error.name === 'IllegalOperationError'
      throw this.#failure(gone ? 'E_RABBITMQ_UNCONFIRMED' : 'E_RABBITMQ_HEADERS_TOO_LARGE', message, error)
    }
  }

  onDrain(listener: () => void): void {
    this.#channel.on('drain', listener)
  }

  async close(): Promise<void> {
    await this.#life.close()
  }

  #failure(
    code: 'E_RABBITMQ_UNCONFIRMED' | 'E_RABBITMQ_HEADERS_TOO_LARGE' | 'E_RABBITMQ_UNROUTABLE',
    message: Message,
    cause: unknown,
  ): MillraceError {
    const { exchange, routingKey: key } = message
    return new MillraceError(
      code,
      { ...this.#around.place, exchange: exchange || '(default)', key, reason: describeError(cause, 300) },
      cause,
    )
  }

  /** A channel that is closed for what one message asked ends all that are out: the one is told by its exchange, the others may come again. */
  #refusal(message: Message, error: unknown): MillraceError {
    const { cause } = this.#life
    const named = `'${message.exchange || 'amq.default'}'`
    const own = cause?.code === 'E_RABBITMQ_EXCHANGE_MISSING' || cause?.code === 'E_RABBITMQ_DENIED'
    if (own && cause.message.includes(named)) return cause
    return this.#failure('E_RABBITMQ_UNCONFIRMED', message, cause ?? error)
  }

  /** amqplib calls these one after the other out of one event: what one throws would leave the rest without their end. */
  #settle(done: (error?: Error) => void, error: Error | undefined): void {
    try {
      done(error)
    } catch (thrown) {
      this.#around.logger.error('what waited for a confirm threw', { error: describeError(thrown) })
    }
  }

  /** The broker returns a message before it confirms it, and in the order of sending, but does not say which one it was. */
  #onReturn(raw: RawMessage): void {
    const came = readMessage(raw)
    const like = (exact: boolean): Mandatory | undefined =>
      [...this.#mandatory].find(({ message, returned }) => returned === undefined && isSame(message, came, exact))
    const found = like(true) ?? like(false)
    if (found === undefined) return this.#around.logger.warn('RabbitMQ returned a message that is not out')
    const { replyCode, replyText } = raw.fields as { replyCode?: unknown; replyText?: unknown }
    found.returned = this.#failure('E_RABBITMQ_UNROUTABLE', found.message, new Error(`${String(replyCode)} ${String(replyText)}`))
  }
}

const isSame = (sent: Message, came: Message, exact: boolean): boolean =>
  sent.exchange === came.exchange &&
  sent.routingKey === came.routingKey &&
  sent.body.byteLength === came.body.byteLength &&
  sent.properties.messageId === came.properties.messageId &&
  (!exact || (bytesOf(sent.body).equals(came.body) && isDeepStrictEqual(sent.properties.headers, came.properties.headers)))
