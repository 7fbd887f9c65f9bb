import { describeError } from '@millrace/sdk'
import type { Logger, MillraceError } from '@millrace/sdk'
import { translateChannel } from './amqp-errors.ts'
import type { ErrorPlace } from './amqp-errors.ts'
import type { Channel, Message as RawMessage } from './amqplib.ts'
import { atMost, withDeadline } from './deadline.ts'
import { writeTable } from './fields.ts'
import { readMessage } from './message-codec.ts'
import type { DeliveredMessage, FieldTable } from './message.ts'
import type { AmqpChannel, ConsumeHandlers, ConsumeOptions, ExchangeOptions, ExchangeType, QueueOptions, QueueState } from './transport.ts'

/** What a channel has of the link that it is on. */
export interface ChannelSurroundings {
  readonly place: ErrorPlace
  readonly logger: Logger
  /** Of the link. */
  readonly linkLost: AbortSignal
  /** For an answer of the broker to one call. */
  readonly callTimeoutMs: number
  readonly closeTimeoutMs: number
}

/** The end of a channel, whoever brings it about: watched for consuming and for confirms alike. */
export class ChannelLife {
  readonly #lost: AbortController = new AbortController()
  readonly #channel: Channel
  readonly #around: ChannelSurroundings
  #cause: MillraceError | undefined
  #closing = false
  /** Nothing may be sent any more. True some microtasks before `lost` aborts. */
  ended: boolean = false

  constructor(channel: Channel, around: ChannelSurroundings) {
    this.#channel = channel
    this.#around = around
    channel.on('error', (error: Error) => (this.#cause ??= translateChannel(error, around.place)))
    channel.on('close', () => this.#end())
    // Without this listener amqplib closes the channel, or the connection, for what a handler throws.
    channel.on('handler-error', (error: Error) => {
      around.logger.error('a RabbitMQ handler threw', { error: describeError(error) })
    })
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Why it ended, as far as it is known yet. */
  get cause(): MillraceError | undefined {
    return this.#cause
  }

  /** What a failed call means: what the broker said of it, else why the channel is gone. */
  explain(thrown: unknown): MillraceError {
    const own = translateChannel(thrown, this.#around.place)
    return own.code === 'E_RABBITMQ_CHANNEL' && this.ended ? (this.#cause ?? own) : own
  }

  /** A call that the channel does not survive: amqplib waits for its answer before it sends the next one. */
  fail(error: MillraceError): void {
    this.#cause ??= error
    void this.close()
  }

  async close(): Promise<void> {
    if (this.ended || this.#closing) return
    this.#closing = true
    await atMost(this.#channel.close(), this.#around.closeTimeoutMs)
    this.#end()
  }

  #end(): void {
    if (this.ended) return
    this.ended = true
    // A connection that is lost closes its channels first and says why afterwards.
    queueMicrotask(() => {
      if (this.#cause === undefined && this.#closing) return this.#lost.abort()
      const reason: unknown = this.#around.linkLost.reason
      this.#cause ??= translateChannel(reason ?? new Error('it was closed with its connection'), this.#around.place)
      this.#lost.abort(this.#cause)
    })
  }
}

/** amqplib wants the message, and takes its tag alone. */
const tagged = (deliveryTag: number): RawMessage => ({ fields: { deliveryTag } }) as RawMessage

const stateOf = (reply: { queue: string; messageCount: number; consumerCount: number }): QueueState => ({
  queue: reply.queue,
  messages: reply.messageCount,
  consumers: reply.consumerCount,
})

/** A channel of amqplib behind the seam. */
export class AmqplibChannel implements AmqpChannel {
  readonly #channel: Channel
  readonly #around: ChannelSurroundings
  readonly #life: ChannelLife

  constructor(channel: Channel, around: ChannelSurroundings) {
    this.#channel = channel
    this.#around = around
    this.#life = new ChannelLife(channel, around)
  }

  get lost(): AbortSignal {
    return this.#life.lost
  }

  async prefetch(count: number): Promise<void> {
    await this.#call('basic.qos', () => this.#channel.prefetch(Math.max(1, Math.min(count, 65_535))))
  }

  async consume(queue: string, options: ConsumeOptions, handlers: ConsumeHandlers): Promise<void> {
    const { consumerTag, exclusive, priority, arguments: args } = options
    await this.#call('basic.consume', () =>
      this.#channel.consume(queue, (raw) => this.#dispatch(raw, handlers), {
        consumerTag,
        noAck: false,
        ...(exclusive !== undefined && { exclusive }),
        ...(priority !== undefined && { priority }),
        ...(args !== undefined && { arguments: writeTable(args) }),
      }),
    )
  }

  async cancel(consumerTag: string): Promise<void> {
    await this.#call('basic.cancel', () => this.#channel.cancel(consumerTag))
  }

  ack(deliveryTag: number, upTo: boolean = false): void {
    this.#send(() => this.#channel.ack(tagged(deliveryTag), upTo))
  }

  reject(deliveryTag: number, requeue: boolean): void {
    this.#send(() => this.#channel.reject(tagged(deliveryTag), requeue))
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.#send(() => this.#channel.nack(tagged(deliveryTag), false, requeue))
  }

  async assertQueue(queue: string, options: QueueOptions): Promise<QueueState> {
    const { arguments: args, ...rest } = options
    return stateOf(await this.#call('queue.declare', () => this.#channel.assertQueue(queue, { ...rest, arguments: writeTable(args) })))
  }

  async checkQueue(queue: string): Promise<QueueState> {
    return stateOf(await this.#call('queue.declare', () => this.#channel.checkQueue(queue)))
  }

  async deleteQueue(queue: string, options: { readonly ifEmpty: boolean; readonly ifUnused: boolean }): Promise<void> {
    await this.#call('queue.delete', () => this.#channel.deleteQueue(queue, options))
  }

  async assertExchange(exchange: string, type: ExchangeType, options: ExchangeOptions): Promise<void> {
    const { arguments: args, ...rest } = options
    await this.#call('exchange.declare', () => this.#channel.assertExchange(exchange, type, { ...rest, arguments: writeTable(args) }))
  }

  async checkExchange(exchange: string): Promise<void> {
    await this.#call('exchange.declare', () => this.#channel.checkExchange(exchange))
  }

  async bindQueue(queue: string, exchange: string, routingKey: string, args: FieldTable = new Map()): Promise<void> {
    await this.#call('queue.bind', () => this.#channel.bindQueue(queue, exchange, routingKey, writeTable(args)))
  }

  async unbindQueue(queue: string, exchange: string, routingKey: string, args: FieldTable = new Map()): Promise<void> {
    await this.#call('queue.unbind', () => this.#channel.unbindQueue(queue, exchange, routingKey, writeTable(args)))
  }

  async get(queue: string): Promise<DeliveredMessage | undefined> {
    const raw = await this.#call('basic.get', () => this.#channel.get(queue, { noAck: false }))
    return raw === false ? undefined : readMessage(raw)
  }

  async close(): Promise<void> {
    await this.#life.close()
  }

  #dispatch(raw: RawMessage | null, handlers: ConsumeHandlers): void {
    try {
      if (raw === null) handlers.onCancelled()
      else handlers.onMessage(readMessage(raw))
    } catch (error) {
      this.#around.logger.error('a RabbitMQ consumer threw', { error: describeError(error) })
    }
  }

  /** What goes out without an answer. A channel that is gone has nothing to settle: the broker gives its messages again. */
  #send(run: () => void): void {
    if (this.#life.ended) return
    try {
      run()
    } catch (error) {
      this.#around.logger.debug('not sent to RabbitMQ', { error: describeError(error) })
    }
  }

  async #call<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { callTimeoutMs } = this.#around
    if (this.#life.ended) throw this.#life.explain(new Error(`${what} after the end of the channel`))
    try {
      return await withDeadline(run(), callTimeoutMs, what)
    } catch (thrown) {
      const error = this.#life.explain(thrown)
      if (!this.#life.ended) this.#life.fail(error)
      throw error
    }
  }
}
