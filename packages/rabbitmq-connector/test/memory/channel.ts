import { MillraceError } from '@millrace/sdk'
import type { DeliveredMessage } from '../../src/transport/message.ts'
import type {
  AmqpChannel,
  ConsumeHandlers,
  ConsumeOptions,
  ExchangeOptions,
  ExchangeType,
  QueueOptions,
  QueueState,
} from '../../src/transport/transport.ts'
import type { MemoryBroker, Request } from './broker.ts'
import type { MemoryLink } from './connection.ts'
import type { MemoryQueue, Outlet, Stored } from './queue.ts'

interface Held {
  readonly queue: MemoryQueue
  readonly stored: Stored
  readonly consumer: { unacked: number }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const refusal = (
  code: 'E_RABBITMQ_QUEUE_MISSING' | 'E_RABBITMQ_PRECONDITION' | 'E_RABBITMQ_EXCHANGE_MISSING',
  reason: string,
): MillraceError => new MillraceError(code, { brokers: 'memory', reason })

/** Arguments in a fixed order. */
const argumentsOf = ({ durable, autoDelete, arguments: args }: QueueOptions): string =>
  JSON.stringify([durable, autoDelete, [...args].toSorted(([left], [right]) => (left < right ? -1 : 1))])

const sameArguments = (left: QueueOptions, right: QueueOptions): boolean => argumentsOf(left) === argumentsOf(right)

/** A channel of the broker in memory: what it holds goes back when it ends, and a wrong tag ends it. */
export class MemoryChannel implements AmqpChannel {
  readonly #link: MemoryLink
  readonly #broker: MemoryBroker
  readonly #lost = new AbortController()
  readonly #held = new Map<number, Held>()
  readonly #consumers = new Map<string, { readonly queue: MemoryQueue; readonly outlet: Outlet }>()
  #prefetch = 0
  #tag = 0

  constructor(link: MemoryLink) {
    this.#link = link
    this.#broker = link.broker
    link.lost.addEventListener('abort', () => this.#end(link.lost.reason), { once: true })
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async prefetch(count: number): Promise<void> {
    await this.#request()
    if (count === 0) this.#broker.complaints.push('a prefetch without bound')
    this.#prefetch = count
  }

  async consume(name: string, options: ConsumeOptions, handlers: ConsumeHandlers): Promise<void> {
    await this.#request('consume', name)
    const queue = this.#queue(name)
    if (this.#consumers.has(options.consumerTag)) this.#broker.complaints.push('a consumer tag was used twice')
    const limit = this.#prefetch
    const count = { unacked: 0 }
    const outlet: Outlet = {
      priority: options.priority ?? 0,
      start: options.arguments?.get('x-stream-offset'),
      ready: () => !this.lost.aborted && (limit === 0 || count.unacked < limit),
      take: (stored, message) => {
        count.unacked += 1
        const deliveryTag = ++this.#tag
        this.#held.set(deliveryTag, { queue, stored, consumer: count })
        handlers.onMessage({ ...message, deliveryTag })
      },
      cancelled: () => {
        if (!this.#consumers.delete(options.consumerTag) || this.lost.aborted) return
        handlers.onCancelled()
      },
    }
    this.#consumers.set(options.consumerTag, { queue, outlet })
    queue.attach(outlet)
  }

  async cancel(consumerTag: string): Promise<void> {
    await this.#request()
    const consumer = this.#consumers.get(consumerTag)
    this.#consumers.delete(consumerTag)
    consumer?.queue.detach(consumer.outlet)
  }

  ack(deliveryTag: number, upTo = false): void {
    this.#settle(deliveryTag, upTo, ({ queue }) => {
      queue.unacked -= 1
      queue.acked += 1
    })
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.#giveBack(deliveryTag, requeue, false)
  }

  reject(deliveryTag: number, requeue: boolean): void {
    this.#giveBack(deliveryTag, requeue, true)
  }

  #giveBack(deliveryTag: number, requeue: boolean, failed: boolean): void {
    this.#settle(deliveryTag, false, ({ queue, stored }) => (requeue ? queue.putBack(stored, failed) : (queue.unacked -= 1)))
  }

  async assertQueue(name: string, options: QueueOptions): Promise<QueueState> {
    await this.#request('declare', name)
    const known = this.#broker.queues.get(name)
    if (known !== undefined && !sameArguments(known.options, options))
      throw this.#fail(refusal('E_RABBITMQ_PRECONDITION', `inequivalent arg for queue '${name}'`))
    this.#broker.declare(name, options)
    return this.#state(name)
  }

  async checkQueue(name: string): Promise<QueueState> {
    await this.#request()
    this.#queue(name)
    return this.#state(name)
  }

  async deleteQueue(name: string): Promise<void> {
    await this.#request()
    this.#broker.delete(name)
  }

  async assertExchange(name: string, type: ExchangeType, _: ExchangeOptions): Promise<void> {
    await this.#request('declare', name)
    this.#broker.exchange(name, type)
  }

  async checkExchange(name: string): Promise<void> {
    await this.#request()
    if (this.#broker.exchange(name) === undefined) throw this.#fail(refusal('E_RABBITMQ_EXCHANGE_MISSING', `no exchange '${name}'`))
  }

  async bindQueue(queue: string, exchange: string, routingKey: string): Promise<void> {
    await this.#request('bind', routingKey)
    this.#broker.bind(queue, exchange, routingKey)
  }

  async unbindQueue(queue: string, exchange: string, routingKey: string): Promise<void> {
    await this.#request('declare', queue)
    this.#broker.unbind(queue, exchange, routingKey)
  }

  async get(name: string): Promise<DeliveredMessage | undefined> {
    await this.#request()
    const queue = this.#queue(name)
    const stored = queue.ready.shift()
    if (stored === undefined) return undefined
    queue.unacked += 1
    const deliveryTag = ++this.#tag
    this.#held.set(deliveryTag, { queue, stored, consumer: { unacked: 0 } })
    return { ...stored.message, deliveryTag, redelivered: stored.deliveries > 0 }
  }

  close(): Promise<void> {
    this.#end(undefined)
    return Promise.resolve()
  }

  #state(name: string): QueueState {
    const queue = this.#queue(name)
    // Of a stream RabbitMQ 3.10 counts no consumers.
    return { queue: name, messages: queue.ready.length, consumers: queue.isStream ? 0 : queue.outlets.length }
  }

  #queue(name: string): MemoryQueue {
    const queue = this.#broker.queues.get(name)
    if (queue === undefined) throw this.#fail(refusal('E_RABBITMQ_QUEUE_MISSING', `no queue '${name}'`))
    return queue
  }

  #settle(deliveryTag: number, upTo: boolean, settle: (held: Held) => void): void {
    if (this.lost.aborted) return
    const tags = upTo ? [...this.#held.keys()].filter((tag) => tag <= deliveryTag) : [deliveryTag].filter((tag) => this.#held.has(tag))
    if (tags.length === 0) {
      this.#broker.complaints.push(`unknown delivery tag ${deliveryTag}`)
      this.#fail(refusal('E_RABBITMQ_PRECONDITION', `unknown delivery tag ${deliveryTag}`))
      return
    }
    const queues = new Set<MemoryQueue>()
    for (const tag of tags) {
      const held = this.#held.get(tag) as Held
      this.#held.delete(tag)
      held.consumer.unacked -= 1
      queues.add(held.queue)
      settle(held)
    }
    for (const queue of queues) queue.pump()
  }

  async #request(request?: Request, name = ''): Promise<void> {
    this.lost.throwIfAborted()
    await turn()
    this.lost.throwIfAborted()
    const refused = request === undefined ? undefined : this.#broker.refuse(request, name, this.#link.role)
    if (refused === 'hang') await new Promise(() => {})
    if (refused === 'connection') {
      const error = new MillraceError('E_RABBITMQ_CONNECTION', { brokers: 'memory', reason: '541 (INTERNAL_ERROR)' }, { code: 541 })
      this.#link.end(error)
      throw error
    }
    if (refused instanceof MillraceError) throw this.#fail(refused)
  }

  #fail(error: MillraceError): MillraceError {
    this.#end(error)
    return error
  }

  #end(reason: unknown): void {
    if (this.lost.aborted) return
    this.#lost.abort(reason)
    for (const { queue, outlet } of this.#consumers.values()) queue.detach(outlet)
    this.#consumers.clear()
    for (const { queue, stored } of this.#held.values()) {
      if (queue.isStream) queue.unacked -= 1
      else queue.putBack(stored, true)
    }
    this.#held.clear()
  }
}
