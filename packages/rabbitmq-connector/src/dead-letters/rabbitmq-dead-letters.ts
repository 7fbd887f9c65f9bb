import { describeError, isMillraceError, MillraceError } from '@millrace/sdk'
import type { DeadLetter, DeadLetterSink } from '@millrace/sdk'
import type { Message } from '../transport/message.ts'
import type { Publisher, QueueOptions } from '../transport/transport.ts'
import { letterMessage } from './letter-message.ts'

/** What `rabbitmqDeadLetters` takes. */
export interface RabbitmqDeadLettersOptions {
  /** Somebody else's to close. */
  readonly publisher: Publisher
  /** The dead-letter queue of an intake; `undefined`: it has none. Asked at each letter. */
  queueOf(intake: string): string | undefined
  /** How a dead-letter queue is declared that is missing; `undefined`: it is not. @default none is declared */
  readonly declaration?: (queue: string) => QueueOptions | undefined
  /** For logs and the admin page. @default 'rabbitmq:{queue}.dlq' */
  readonly name?: string
  /** @default 'millrace/rabbitmq-connector' */
  readonly connector?: string
  /** After each letter that the broker has confirmed. */
  readonly onWritten?: (queue: string, letter: DeadLetter) => void
}

const hasCode = (error: unknown, code: string): boolean => isMillraceError(error) && error.code === code

class RabbitmqDeadLetters implements DeadLetterSink {
  readonly name: string
  readonly #options: RabbitmqDeadLettersOptions
  /** One declaration at a time for each queue, however many letters wait for it. */
  readonly #declaring = new Map<string, Promise<void>>()

  constructor(options: RabbitmqDeadLettersOptions) {
    this.#options = options
    this.name = options.name ?? 'rabbitmq:{queue}.dlq'
  }

  async write(letter: DeadLetter): Promise<void> {
    const queue = this.#options.queueOf(letter.intake)
    if (queue === undefined) throw this.#missing('(none)', letter.intake, 'none is configured for it')
    const { message, reduced } = letterMessage(letter, queue, this.#options.connector ?? 'millrace/rabbitmq-connector')
    try {
      await this.#publish(message, letter.intake)
    } catch (error) {
      if (!hasCode(error, 'E_RABBITMQ_HEADERS_TOO_LARGE')) throw error
      await this.#publish(reduced, letter.intake)
    }
    this.#options.onWritten?.(queue, letter)
  }

  /** Confirmed, or rejected. A queue that is missing is declared, once, where that is allowed. */
  async #publish(message: Message, intake: string): Promise<void> {
    const { publisher } = this.#options
    try {
      await publisher.publish(message, { mandatory: true })
    } catch (error) {
      if (!hasCode(error, 'E_RABBITMQ_UNROUTABLE')) throw error
      await this.#declare(message.routingKey, intake)
      await publisher.publish(message, { mandatory: true })
    }
  }

  #declare(queue: string, intake: string): Promise<void> {
    const options = this.#options.declaration?.(queue)
    if (options === undefined) return Promise.reject(this.#missing(queue, intake, 'it may not be declared here'))
    const known = this.#declaring.get(queue)
    if (known !== undefined) return known
    const declared = this.#assert(queue, options)
      .catch((error: unknown) => Promise.reject(this.#missing(queue, intake, describeError(error, 300), error)))
      .finally(() => this.#declaring.delete(queue))
    this.#declaring.set(queue, declared)
    return declared
  }

  async #assert(queue: string, options: QueueOptions): Promise<void> {
    const channel = await this.#options.publisher.openChannel()
    try {
      await channel.assertQueue(queue, options)
    } finally {
      await channel.close()
    }
  }

  #missing(queue: string, intake: string, reason: string, cause?: unknown): MillraceError {
    return new MillraceError('E_RABBITMQ_LETTER_QUEUE_MISSING', { queue, intake, reason }, cause)
  }
}

/**
 * A sink of RabbitMQ queues: the original message with `millrace-*` headers, confirmed by the broker before `write` resolves.
 *
 * `write` rejects with `E_RABBITMQ_*`; the runtime then tries again for ever and acknowledges nothing. A letter may be there twice after
 * that, never missing. Where the headers have no room for both (64 KiB), the producer's are left out, and `millrace-headers-omitted` says
 * how many there were.
 */
export const rabbitmqDeadLetters = (options: RabbitmqDeadLettersOptions): DeadLetterSink => new RabbitmqDeadLetters(options)
