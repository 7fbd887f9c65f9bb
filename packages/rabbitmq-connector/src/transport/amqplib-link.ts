import { describeError } from '@millrace/sdk'
import type { Logger } from '@millrace/sdk'
import { translateChannel, translateLoss } from './amqp-errors.ts'
import type { ErrorPlace } from './amqp-errors.ts'
import { AmqplibChannel } from './amqplib-channel.ts'
import type { ChannelSurroundings } from './amqplib-channel.ts'
import { AmqplibConfirmChannel } from './amqplib-confirm-channel.ts'
import type { Channel, ChannelModel } from './amqplib.ts'
import { withDeadline } from './deadline.ts'
import type { AmqpChannel, AmqpConfirmChannel, AmqpLink } from './transport.ts'

/** Times of a link, in milliseconds. */
export interface LinkTimes {
  readonly probeTimeoutMs: number
  readonly callTimeoutMs: number
}

/** One connection of amqplib behind the seam, listened to from the moment that it stands. */
export class AmqplibLink implements AmqpLink {
  readonly #model: ChannelModel
  readonly #around: ChannelSurroundings
  readonly #times: LinkTimes
  readonly #lost: AbortController = new AbortController()
  readonly #listeners: Set<(blocked: boolean, reason: string) => void> = new Set()
  #blocked = false
  #error: Error | undefined

  constructor(model: ChannelModel, place: ErrorPlace, logger: Logger, times: LinkTimes) {
    this.#model = model
    this.#times = times
    this.#around = {
      place,
      logger,
      linkLost: this.#lost.signal,
      callTimeoutMs: times.callTimeoutMs,
      closeTimeoutMs: times.probeTimeoutMs,
    }
    model.on('error', (error: Error) => (this.#error ??= error))
    model.on('close', (error?: Error) => {
      this.#lost.abort(translateLoss(error ?? this.#error, place))
      this.#setBlocked(false, '')
    })
    model.on('blocked', (reason: string) => this.#setBlocked(true, reason))
    model.on('unblocked', () => this.#setBlocked(false, ''))
  }

  /** Whether this is the link over `model`. */
  isOver(model: ChannelModel): boolean {
    return this.#model === model
  }

  get serverVersion(): string {
    const { version } = this.#model.connection.serverProperties as { version?: unknown }
    return typeof version === 'string' ? version.slice(0, 64) : 'unknown'
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get blocked(): boolean {
    return this.#blocked
  }

  onBlocked(listener: (blocked: boolean, reason: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async openChannel(): Promise<AmqpChannel> {
    return new AmqplibChannel(await this.#open('channel.open', () => this.#model.createChannel()), this.#around)
  }

  async openConfirmChannel(): Promise<AmqpConfirmChannel> {
    return new AmqplibConfirmChannel(await this.#open('confirm.select', () => this.#model.createConfirmChannel()), this.#around)
  }

  /**
   * Opens a channel and closes it: a connection that amqplib takes for good may be dead (docs/rabbitmq-faults.md).
   * @throws MillraceError when no channel can be opened in time
   */
  async probe(): Promise<void> {
    const channel = await this.openChannel()
    void channel.close()
  }

  async #open<T extends Channel>(what: string, run: () => Promise<T>): Promise<T> {
    const { place } = this.#around
    if (this.lost.aborted) throw translateLoss(this.lost.reason, place)
    const opening = run()
    try {
      return await withDeadline(opening, this.#times.probeTimeoutMs, what)
    } catch (error) {
      // One that opens after all is nobody's.
      opening.then((late) => late.on('error', () => {}).close()).catch(() => {})
      throw this.lost.aborted ? translateLoss(this.lost.reason, place) : translateChannel(error, place)
    }
  }

  #setBlocked(blocked: boolean, reason: string): void {
    if (blocked === this.#blocked) return
    this.#blocked = blocked
    for (const listener of this.#listeners) {
      try {
        listener(blocked, String(reason).slice(0, 256))
      } catch (error) {
        this.#around.logger.error('a listener for the alarm of RabbitMQ threw', { error: describeError(error) })
      }
    }
  }
}
