import { MillraceError } from '@millrace/sdk'
import type { ErrorCode } from '@millrace/sdk'
import type { Message } from '../src/transport/message.ts'
import type { AmqpChannel, Publisher, QueueOptions } from '../src/transport/transport.ts'

/** A publisher that keeps what it is given, and refuses what a test wants. */
export class FakePublisher implements Publisher {
  blocked = false
  readonly published: { readonly message: Message; readonly mandatory: boolean }[] = []
  readonly declared: { readonly queue: string; readonly options: QueueOptions }[] = []
  /** Queues that are there; absent: all. */
  queues: Set<string> | undefined
  /** Codes of the next calls of `publish`, one each. */
  readonly refusals: ErrorCode[] = []
  /** `assertQueue` rejects. */
  denied = false
  /** More than so many headers do not fit. */
  maxHeaders = Infinity
  openChannels = 0

  publish(message: Message, options: { readonly mandatory?: boolean } = {}): Promise<void> {
    const context = { exchange: message.exchange, key: message.routingKey, reason: 'a test' }
    const refusal = this.refusals.shift()
    if (refusal !== undefined) return Promise.reject(new MillraceError(refusal, context))
    if (message.properties.headers.size > this.maxHeaders) return Promise.reject(new MillraceError('E_RABBITMQ_HEADERS_TOO_LARGE', context))
    if (options.mandatory === true && this.queues?.has(message.routingKey) === false) {
      return Promise.reject(new MillraceError('E_RABBITMQ_UNROUTABLE', context))
    }
    this.published.push({ message, mandatory: options.mandatory === true })
    return Promise.resolve()
  }

  onBlocked(): () => void {
    return () => undefined
  }

  openChannel(): Promise<AmqpChannel> {
    this.openChannels += 1
    const channel: Pick<AmqpChannel, 'assertQueue' | 'close'> = {
      assertQueue: (queue, options) => {
        if (this.denied) return Promise.reject(new MillraceError('E_RABBITMQ_DENIED', { user: 'u', vhost: '/', reason: 'configure' }))
        this.declared.push({ queue, options })
        this.queues?.add(queue)
        return Promise.resolve({ queue, messages: 0, consumers: 0 })
      },
      close: () => {
        this.openChannels -= 1
        return Promise.resolve()
      },
    }
    return Promise.resolve(channel as AmqpChannel)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
