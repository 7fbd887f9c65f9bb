import { describeError, MillraceError, systemClock } from '@millrace/sdk'
import type { Clock, Timer } from '@millrace/sdk'
import { atMost } from './deadline.ts'
import { PublishChannel } from './publish-channel.ts'
import type { Outgoing } from './publish-channel.ts'
import type { Message } from './message.ts'
import type { AmqpChannel, AmqpConnection, AmqpLink, Publisher } from './transport.ts'

/** Bounds of a publisher. */
export interface PublisherOptions {
  /** Messages sent and not yet confirmed. @default 512 */
  readonly maxOutstanding?: number
  /** Their bodies together; one that is larger goes alone. @default 33554432 */
  readonly maxOutstandingBytes?: number
  /** For a confirm, and before that for a turn to be sent; time under an alarm does not count. @default 30000 */
  readonly confirmTimeoutMs?: number
  /** What `close()` waits for confirms, and then for its channel to close. @default 1000 */
  readonly closeTimeoutMs?: number
  /** @default systemClock */
  readonly clock?: Clock
  /** Told of each message once it is known what became of it, for metrics; the time is from sending it, without that under an alarm. */
  readonly onEnded?: (error: Error | undefined, tookMs: number) => void
}

interface Waiting extends Outgoing {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Between two attempts to open a channel on a link that refuses it. */
const pauseMs = 250
/** How exact the confirm timeout is: one timer for all. */
const tickMs = 250

/**
 * Publishes with confirms.
 *
 * A message that is not confirmed in time is told so, and nothing more is sent on its channel: the next ones go on a fresh one, and the old
 * one is closed when the last of its messages has ended. So one queue that confirms nothing (a quorum without majority) does not hold up the
 * others, and amqplib's window of confirms, which only shrinks from its oldest, does not grow behind it.
 */
class ConfirmedPublisher implements Publisher {
  readonly #connection: AmqpConnection
  readonly #options: Required<Omit<PublisherOptions, 'onEnded'>> & Pick<PublisherOptions, 'onEnded'>
  readonly #listeners: Set<(blocked: boolean) => void> = new Set()
  /** Not sent yet, in their order; from `#head` on. */
  #queue: Waiting[] = []
  #head = 0
  readonly #sent: Set<Waiting> = new Set()
  #bytes = 0
  #channel: PublishChannel<Waiting> | undefined
  #opening = false
  /** The link whose alarm counts. */
  #watched: AmqpLink | undefined
  #blocked = false
  #blockedSince = 0
  #blockedMs = 0
  #failure: unknown
  #ticker: Timer | undefined
  #idle: (() => void) | undefined
  #closed = false

  constructor(connection: AmqpConnection, options: PublisherOptions) {
    this.#connection = connection
    this.#options = {
      maxOutstanding: options.maxOutstanding ?? 512,
      maxOutstandingBytes: options.maxOutstandingBytes ?? 32 * 1024 * 1024,
      confirmTimeoutMs: options.confirmTimeoutMs ?? 30_000,
      closeTimeoutMs: options.closeTimeoutMs ?? 1000,
      clock: options.clock ?? systemClock,
      ...(options.onEnded !== undefined && { onEnded: options.onEnded }),
    }
  }

  get blocked(): boolean {
    return this.#blocked
  }

  onBlocked(listener: (blocked: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  publish(message: Message, options: { readonly mandatory?: boolean } = {}): Promise<void> {
    if (this.#closed) return Promise.reject(this.#unconfirmed(message, new Error('the publisher is closed')))
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, mandatory: options.mandatory === true, since: this.#elapsed(), resolve, reject })
      this.#tick()
      this.#pump()
    })
  }

  async openChannel(): Promise<AmqpChannel> {
    const link = await this.#connection.link(this.#options.confirmTimeoutMs)
    return link.openChannel()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#pending > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#idle = resolve
      const timer = this.#options.clock.after(this.#options.closeTimeoutMs, resolve)
      await promise
      timer.cancel()
    }
    this.#ticker?.cancel()
    for (const one of [...this.#sent, ...this.#queue.slice(this.#head)]) {
      this.#settle(one, this.#unconfirmed(one.message, new Error('the publisher was closed before')))
    }
    this.#queue = []
    this.#head = 0
    // Under an alarm the broker does not read what asks for it.
    if (this.#channel !== undefined) await atMost(this.#channel.close(), this.#options.closeTimeoutMs)
  }

  get #pending(): number {
    return this.#sent.size + this.#queue.length - this.#head
  }

  /** Milliseconds, without the time under an alarm: then no confirm comes, and nothing is wrong with the messages. */
  #elapsed(): number {
    const now = this.#options.clock.monotonic()
    return now - this.#blockedMs - (this.#blocked ? now - this.#blockedSince : 0)
  }

  #pump(): void {
    while (this.#head < this.#queue.length && !this.#blocked) {
      const next = this.#queue[this.#head]
      if (next === undefined || !this.#fits(next)) return
      if (this.#channel === undefined || this.#channel.ended) return void this.#open()
      if (this.#channel.full) return
      this.#advance()
      this.#send(next, this.#channel)
    }
  }

  #fits({ message }: Waiting): boolean {
    const { maxOutstanding, maxOutstandingBytes } = this.#options
    return this.#sent.size === 0 || (this.#sent.size < maxOutstanding && this.#bytes + message.body.byteLength <= maxOutstandingBytes)
  }

  #advance(): void {
    this.#head += 1
    if (this.#head < 1024 && this.#head < this.#queue.length) return
    this.#queue.splice(0, this.#head)
    this.#head = 0
  }

  #send(one: Waiting, channel: PublishChannel<Waiting>): void {
    one.since = this.#elapsed()
    this.#sent.add(one)
    this.#bytes += one.message.body.byteLength
    channel.send(one)
  }

  #settle(one: Waiting, error?: Error): void {
    if (this.#sent.delete(one)) this.#bytes -= one.message.body.byteLength
    this.#options.onEnded?.(error, this.#elapsed() - one.since)
    if (error === undefined) one.resolve()
    else one.reject(error)
    if (this.#pending === 0) this.#idle?.()
  }

  async #open(): Promise<void> {
    if (this.#opening) return
    this.#opening = true
    try {
      const link = await this.#connection.link(this.#options.confirmTimeoutMs)
      this.#watch(link)
      this.#channel = new PublishChannel(await link.openConfirmChannel(), {
        onEnd: (one, error) => {
          this.#settle(one, error)
          this.#pump()
        },
        onReady: () => this.#pump(),
      })
      this.#opening = false
    } catch (error) {
      this.#failure = error
      await new Promise<void>((resolve) => void this.#options.clock.after(pauseMs, resolve))
      this.#opening = false
    }
    if (!this.#closed || this.#pending > 0) this.#pump()
  }

  /** Follows the alarm of the link that is published on. */
  #watch(link: AmqpLink): void {
    if (this.#watched === link) return
    this.#watched = link
    const follow = (blocked: boolean): void => {
      if (this.#watched === link) this.#setBlocked(blocked)
    }
    link.onBlocked(follow)
    follow(link.blocked)
  }

  #setBlocked(blocked: boolean): void {
    if (blocked === this.#blocked) return
    const now = this.#options.clock.monotonic()
    if (blocked) this.#blockedSince = now
    else this.#blockedMs += now - this.#blockedSince
    this.#blocked = blocked
    for (const listener of this.#listeners) listener(blocked)
    if (!blocked) this.#pump()
  }

  #tick(): void {
    this.#ticker ??= this.#options.clock.after(tickMs, () => {
      this.#ticker = undefined
      this.#expire()
      if (this.#pending > 0) this.#tick()
    })
  }

  #expire(): void {
    const { confirmTimeoutMs } = this.#options
    const limit = this.#elapsed() - confirmTimeoutMs
    // Sets and queues keep the order of sending, and the timeout is one for all: the first that is young enough ends the search.
    for (const one of this.#sent) {
      if (one.since > limit) break
      const error = this.#unconfirmed(one.message, new Error(`no confirm within ${confirmTimeoutMs} ms`))
      one.channel?.retire(one)
      if (this.#channel === one.channel) this.#channel = undefined
      this.#settle(one, error)
    }
    for (let one = this.#queue[this.#head]; one !== undefined && one.since <= limit; one = this.#queue[this.#head]) {
      this.#advance()
      const cause = this.#failure ?? new Error('too many messages are out')
      this.#settle(
        one,
        this.#unconfirmed(one.message, new Error(`not sent within ${confirmTimeoutMs} ms: ${describeError(cause, 300)}`, { cause })),
      )
    }
    this.#pump()
  }

  #unconfirmed({ exchange, routingKey: key }: Message, cause: Error): MillraceError {
    const place = { brokers: this.#connection.address, exchange: exchange || '(default)', key }
    return new MillraceError('E_RABBITMQ_UNCONFIRMED', { ...place, reason: describeError(cause, 300) }, cause)
  }
}

/** A publisher over `connection`, which stays its owner's: `close()` does not close it. */
export const createPublisher = (connection: AmqpConnection, options: PublisherOptions = {}): Publisher =>
  new ConfirmedPublisher(connection, options)
