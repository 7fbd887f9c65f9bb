import { describeError, isMillraceError } from '@millrace/sdk'
import type { Clock, Logger, Timer } from '@millrace/sdk'
import { ScratchChannel } from '../topology/scratch-channel.ts'
import type { AmqpLink } from '../transport/transport.ts'
import type { QueueConsumer } from './queue-consumer.ts'
import { streamEnd } from './stream-end.ts'

/** @see ConsumerWatch */
export interface ConsumerWatchOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly link: AmqpLink
  /** Between two looks. */
  readonly everyMs: number
  readonly consumers: () => Iterable<QueueConsumer>
  readonly nextTag: (queue: string) => string
}

/** Looks now and then whether the broker still means the same as its consumers do: not every loss is told. */
export class ConsumerWatch {
  readonly #options: ConsumerWatchOptions
  #timer: Timer | undefined
  #stopped = false

  constructor(options: ConsumerWatchOptions) {
    this.#options = options
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.everyMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const { link, consumers } = this.#options
    const scratch = new ScratchChannel(link)
    for (const consumer of Array.from(consumers())) {
      if (this.#stopped || link.lost.aborted) break
      if (consumer.state === 'consuming') await this.#lookAt(consumer, scratch)
    }
    await scratch.close()
    if (!this.#stopped) this.#schedule()
  }

  async #lookAt(consumer: QueueConsumer, scratch: ScratchChannel): Promise<void> {
    const { link, logger, clock, nextTag } = this.#options
    const { queue } = consumer
    try {
      consumer.check(await scratch.run((channel) => channel.checkQueue(queue)))
      if (consumer.unheard) consumer.checkEnd(await streamEnd(link, queue, nextTag(queue), clock))
    } catch (error) {
      if (this.#stopped || link.lost.aborted) return
      if (isMillraceError(error) && error.code === 'E_RABBITMQ_QUEUE_MISSING') consumer.lose(error)
      else logger.debug('a queue could not be looked at', { queue, error: describeError(error, 300) })
    }
  }
}
