import type { DeliveredMessage, FieldTable, Message } from './message.ts'

/** `consume` connections never publish: under a memory alarm the broker stops reading those that have (rabbitmq.md, 1.3). */
export type ConnectionRole = 'consume' | 'publish' | 'probe'

/**
 * An AMQP client as this connector needs it, and no more: another library takes amqplib's place by implementing this.
 *
 * Every rejection is a `MillraceError` with an `E_RABBITMQ_*` code.
 */
export interface AmqpTransport {
  /** A connection that is made now, and again with back-off and for ever whenever it is lost, until `close()`. */
  connection(role: ConnectionRole): AmqpConnection
}

/** Over all links of one role. */
export interface AmqpConnection {
  /**
   * The link that stands, or the next one to be made.
   * @throws MillraceError why the last attempt failed, after `timeoutMs` without one (the attempts go on), or when `signal` aborts
   */
  link(timeoutMs: number, signal?: AbortSignal): Promise<AmqpLink>
  /** Hosts it tries, for messages: never with a user or password. */
  readonly address: string
  /** How often a link was lost and made again. */
  readonly reconnects: number
  /** Bounded in time, never rejects. */
  close(): Promise<void>
}

/** One connection to one broker, from the handshake to its loss. */
export interface AmqpLink {
  /** As the broker says, e.g. `3.10.8`. */
  readonly serverVersion: string
  /** Aborts when the link is gone; the reason is a `MillraceError`. */
  readonly lost: AbortSignal
  /** Blocked by an alarm of the broker: what is published waits. */
  readonly blocked: boolean
  /** Calls `listener` at each change of `blocked`. Returns the way to stop. */
  onBlocked(listener: (blocked: boolean, reason: string) => void): () => void
  openChannel(): Promise<AmqpChannel>
  /** For the publisher: `createPublisher` opens it. */
  openConfirmChannel(): Promise<AmqpConfirmChannel>
}

export interface ConsumeOptions {
  readonly consumerTag: string
  readonly arguments?: FieldTable
  readonly exclusive?: boolean
  readonly priority?: number
}

/** What is called for a consumer. Synchronous; what a handler throws is logged and goes no further. */
export interface ConsumeHandlers {
  onMessage(message: DeliveredMessage): void
  /** The broker has ended the consumer (queue deleted, moved, timed out); the channel stays open. Not called for `cancel`. */
  onCancelled(): void
}

/** How a queue is asked for. */
export interface QueueOptions {
  readonly durable: boolean
  readonly exclusive: boolean
  readonly autoDelete: boolean
  /** Type, limits, time to live, ... as AMQP arguments (`x-queue-type`, ...). */
  readonly arguments: FieldTable
}

export type ExchangeType = 'direct' | 'topic' | 'fanout' | 'headers'

export interface ExchangeOptions {
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly arguments: FieldTable
}

export interface QueueState {
  readonly queue: string
  /** Ready to be delivered; those that somebody holds are not among them. */
  readonly messages: number
  readonly consumers: number
}

/**
 * One channel. An error of the broker closes it (404, 403, 406, ...): the call that caused it rejects, `lost` aborts, and a new one must
 * be opened. After that `ack` and `reject` do nothing.
 */
export interface AmqpChannel {
  /** Aborts when the channel is gone; the reason is a `MillraceError`, or absent after `close()`. */
  readonly lost: AbortSignal
  /** Unacknowledged messages that each later consumer of this channel may hold; never 0, which is without bound. */
  prefetch(count: number): Promise<void>
  /** Resolves when the broker has accepted the consumer. Messages may come before that. */
  consume(queue: string, options: ConsumeOptions, handlers: ConsumeHandlers): Promise<void>
  /** No message comes after it has resolved. */
  cancel(consumerTag: string): Promise<void>
  /** `upTo`: this one and every lower tag. */
  ack(deliveryTag: number, upTo?: boolean): void
  reject(deliveryTag: number, requeue: boolean): void
  nack(deliveryTag: number, requeue: boolean): void
  assertQueue(queue: string, options: QueueOptions): Promise<QueueState>
  checkQueue(queue: string): Promise<QueueState>
  deleteQueue(queue: string, options: { readonly ifEmpty: boolean; readonly ifUnused: boolean }): Promise<void>
  assertExchange(exchange: string, type: ExchangeType, options: ExchangeOptions): Promise<void>
  checkExchange(exchange: string): Promise<void>
  bindQueue(queue: string, exchange: string, routingKey: string, args?: FieldTable): Promise<void>
  unbindQueue(queue: string, exchange: string, routingKey: string, args?: FieldTable): Promise<void>
  /** One message out of the queue, unacknowledged, for tools. */
  get(queue: string): Promise<DeliveredMessage | undefined>
  /** Bounded in time, never rejects. Unacknowledged messages go back to their queues. */
  close(): Promise<void>
}

/** A channel on which the broker confirms what it is given. Only the publisher uses it. */
export interface AmqpConfirmChannel {
  /** Aborts when the channel is gone; the reason is a `MillraceError`, or absent after `close()`. */
  readonly lost: AbortSignal
  /**
   * Sends it, and calls `done` once: with nothing when the broker has confirmed it, with a `MillraceError` when it has refused or returned
   * it, or when the channel is gone before.
   * @returns false when no more should be sent before `onDrain`
   * @throws MillraceError when it was not sent: it cannot be encoded, or the channel is gone. `done` is not called then
   */
  publish(message: Message, mandatory: boolean, done: (error?: Error) => void): boolean
  onDrain(listener: () => void): void
  /** Bounded in time, never rejects. What is unconfirmed is told so. */
  close(): Promise<void>
}

/** Publishes with confirms over a `publish` connection of its own. */
export interface Publisher {
  /**
   * Resolves when the broker has confirmed it: durable, where the queue is. Waits its turn when too many are out, and while blocked.
   * @throws MillraceError `E_RABBITMQ_UNCONFIRMED` when it is not known whether it arrived (lost link, timeout, nack), `E_RABBITMQ_UNROUTABLE`
   *   when no queue took it (with `mandatory`), `E_RABBITMQ_HEADERS_TOO_LARGE` when it cannot be encoded
   */
  publish(message: Message, options?: { readonly mandatory?: boolean }): Promise<void>
  /** Blocked by an alarm of the broker. */
  readonly blocked: boolean
  /** Calls `listener` at each change of `blocked`. Returns the way to stop. */
  onBlocked(listener: (blocked: boolean) => void): () => void
  /** A channel for declarations beside it, on the same connection; an error on it does not touch what is published. */
  openChannel(): Promise<AmqpChannel>
  /** Waits for the confirms that are out, bounded; never rejects. */
  close(): Promise<void>
}
