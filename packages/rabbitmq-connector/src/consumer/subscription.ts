import { MillraceError } from '@millrace/sdk'
import type { Clock } from '@millrace/sdk'
import { atLeast } from '../topology/server-version.ts'
import type { DeliveredMessage } from '../transport/message.ts'
import type { AmqpChannel, AmqpLink, ConsumeOptions } from '../transport/transport.ts'
import { AckBook } from './ack-book.ts'
import type { RabbitmqObserver } from './observer.ts'
import { orFail } from './wait.ts'

/** @see Subscription */
export interface SubscriptionOptions {
  readonly queue: string
  readonly clock: Clock
  readonly observer: RabbitmqObserver
  /** How long the broker may take to answer a request. */
  readonly requestMs: number
  /** Runs `flush` soon: acknowledgements of one turn of the event loop share their frames. */
  readonly soon: (flush: () => void) => void
  /** A fresh consumer tag for each attempt: one that is used twice ends the whole connection. */
  readonly nextTag: () => string
  readonly onMessage: (subscription: Subscription, message: DeliveredMessage) => void
  /** The channel, or its consumer, is gone without our doing. Called once, and nothing comes after it. */
  readonly onLost: (subscription: Subscription, reason: Error) => void
}

/**
 * One channel with at most one consumer at a time, and the delivery tags of it. It is thrown away when the channel or the consumer is
 * lost, and with it everything that was unacknowledged: a late result finds it ended, and no tag of an old channel reaches a new one.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #channel: AmqpChannel
  /** RabbitMQ 4.3: a nack does not count as a failed delivery, while a reject does, and closing a channel over a message (rabbitmq.md, 3). */
  readonly #tellsFailed: boolean
  readonly #book: AckBook
  #tag: string | undefined
  #ended = false
  #flushing = false

  private constructor(options: SubscriptionOptions, channel: AmqpChannel, serverVersion: string) {
    this.#options = options
    this.#channel = channel
    this.#tellsFailed = atLeast(serverVersion, 4, 3)
    this.#book = new AckBook((tag, upTo) => this.#channel.ack(tag, upTo))
    const onLost = (): void => this.#lose(channel.lost.reason)
    if (channel.lost.aborted) this.#ended = true
    else channel.lost.addEventListener('abort', onLost, { once: true })
  }

  /** @throws MillraceError when no channel can be had */
  static async open(link: AmqpLink, options: SubscriptionOptions): Promise<Subscription> {
    const opening = link.openChannel()
    const channel = await orFail(options.clock, options.requestMs, opening, () => {
      // Should it still come, nobody wants it.
      opening.then(
        (late) => late.close(),
        () => {},
      )
      return Subscription.#late(options, 'channel.open')
    })
    return new Subscription(options, channel, link.serverVersion)
  }

  static #late(options: SubscriptionOptions, request: string): MillraceError {
    return new MillraceError('E_RABBITMQ_NO_ANSWER', {
      queue: options.queue,
      request,
      seconds: Math.round(options.requestMs / 1000),
    })
  }

  get consuming(): boolean {
    return this.#tag !== undefined
  }

  /** Results that come now settle nothing. */
  get ended(): boolean {
    return this.#ended
  }

  /** Unacknowledged messages. */
  get open(): number {
    return this.#book.open
  }

  /**
   * Consumes; a consumer that stands already ends after the new one has begun, so that a queue that lives by its consumers is never without.
   * @throws MillraceError; the channel is of no use afterwards
   */
  async consume(prefetch: number, consume: Omit<ConsumeOptions, 'consumerTag'>): Promise<void> {
    const { clock, requestMs, queue, nextTag } = this.#options
    const before = this.#tag
    const consumerTag = nextTag()
    this.#tag = consumerTag
    const work = async (): Promise<void> => {
      await this.#channel.prefetch(prefetch)
      await this.#channel.consume(
        queue,
        { ...consume, consumerTag },
        {
          onMessage: (message) => this.#onMessage(message),
          onCancelled: () => {
            if (this.#tag === consumerTag) this.#lose(new MillraceError('E_RABBITMQ_CONSUMER_CANCELLED', { queue }))
          },
        },
      )
      if (before !== undefined) await this.#channel.cancel(before)
    }
    try {
      await orFail(clock, requestMs, work(), () => Subscription.#late(this.#options, 'basic.consume'))
    } catch (error) {
      this.abandon()
      throw error
    }
  }

  /** No message comes afterwards; what came stays to be acknowledged. @throws MillraceError; the channel is of no use then */
  async cancel(): Promise<void> {
    const tag = this.#tag
    if (tag === undefined || this.#ended) return
    this.#tag = undefined
    try {
      await orFail(this.#options.clock, this.#options.requestMs, this.#channel.cancel(tag), () =>
        Subscription.#late(this.#options, 'basic.cancel'),
      )
    } catch (error) {
      this.#lose(error)
      throw error
    }
  }

  /** The message is finished. False when the channel has gone: the message comes again. */
  ack(message: DeliveredMessage): boolean {
    if (this.#ended) {
      this.#options.observer.fenced(this.#options.queue)
      return false
    }
    if (!this.#book.finish(message.deliveryTag)) return true
    if (!this.#flushing) {
      this.#flushing = true
      this.#options.soon(() => {
        this.#flushing = false
        this.flush()
      })
    }
    return true
  }

  /** The message must come again. Never used to try again: that would be a hot loop. The channel is about to be closed. */
  giveBack(message: DeliveredMessage): void {
    if (this.#ended || !this.#tellsFailed) return
    if (this.#book.forget(message.deliveryTag)) this.#channel.nack(message.deliveryTag, true)
  }

  /** The broker may be given a failed message back, where its queue delays that. */
  get takesFailed(): boolean {
    return !this.#ended && this.#tellsFailed
  }

  /** The message has failed, and its queue is to give it again after a wait. Only where `takesFailed`, and the queue is known to wait. */
  giveBackFailed(message: DeliveredMessage): void {
    if (this.#ended) this.#options.observer.fenced(this.#options.queue)
    else if (this.#book.forget(message.deliveryTag)) this.#channel.reject(message.deliveryTag, true)
  }

  flush(): void {
    if (this.#ended || !this.#book.waiting) return
    const { messages, frames } = this.#book.flush()
    this.#options.observer.acknowledged(this.#options.queue, messages, frames)
  }

  /** Sends what is finished and closes the channel: what is unacknowledged goes back to the queue. Bounded, never rejects. */
  async close(): Promise<void> {
    this.flush()
    // What came and was not begun has not failed. While it still consumes it would only come here again.
    if (!this.#ended && this.#tellsFailed && !this.consuming) for (const tag of this.#book.openTags) this.#channel.nack(tag, true)
    this.#ended = true
    this.#tag = undefined
    await this.#channel.close()
  }

  /** As `close`, without waiting and without a last word. */
  abandon(): void {
    this.#ended = true
    this.#tag = undefined
    void this.#channel.close()
  }

  #onMessage(message: DeliveredMessage): void {
    if (this.#ended) return
    this.#book.arrived(message.deliveryTag)
    this.#options.observer.delivered(this.#options.queue, message.redelivered)
    this.#options.onMessage(this, message)
  }

  #lose(reason: unknown): void {
    if (this.#ended) return
    this.abandon()
    this.#options.onLost(
      this,
      reason instanceof Error ? reason : new MillraceError('E_RABBITMQ_CONSUMER_CANCELLED', { queue: this.#options.queue }),
    )
  }
}
