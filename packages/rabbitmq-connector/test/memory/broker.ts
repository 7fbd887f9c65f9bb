import { matchesPattern, MillraceError, parseTopicPattern, systemClock } from '@millrace/sdk'
import type { Clock } from '@millrace/sdk'
import type { Message, MessageProperties } from '../../src/transport/message.ts'
import { atLeast } from '../../src/topology/server-version.ts'
import type { AmqpTransport, ConnectionRole, ExchangeType, QueueOptions } from '../../src/transport/transport.ts'
import { MemoryConnection } from './connection.ts'
import type { MemoryLink } from './connection.ts'
import { MemoryQueue } from './queue.ts'

interface Exchange {
  readonly type: ExchangeType
  readonly bindings: Map<string, { readonly queue: string; readonly key: string }>
}

/** What a broker is asked for. */
export type Request = 'declare' | 'bind' | 'consume' | 'open' | 'publish'

const plainQueue: QueueOptions = { durable: true, exclusive: false, autoDelete: false, arguments: new Map() }

/** A RabbitMQ in memory, with a hand that breaks it. Everything it does happens in a turn of its own, as over a network. */
export class MemoryBroker {
  readonly queues = new Map<string, MemoryQueue>()
  readonly links = new Set<MemoryLink>()
  /** What a good client does not do. */
  readonly complaints: string[] = []
  readonly version: string
  readonly clock: Clock
  /** A request that is refused: with an error its channel closes, with one of the connection (541) everything; `hang` is never answered. */
  refuse: (request: Request, name: string, role: ConnectionRole) => MillraceError | 'connection' | 'hang' | undefined = () => undefined
  up = true
  blocked = false
  readonly #exchanges = new Map<string, Exchange>()
  readonly #connections = new Set<MemoryConnection>()

  constructor(options: { readonly version?: string; readonly clock?: Clock } = {}) {
    this.version = options.version ?? '3.10.8'
    this.clock = options.clock ?? systemClock
  }

  transport(): AmqpTransport {
    return {
      connection: (role) => {
        const connection = new MemoryConnection(this, role)
        this.#connections.add(connection)
        return connection
      },
    }
  }

  declare(name: string, options: Partial<QueueOptions> = {}): MemoryQueue {
    const known = this.queues.get(name)
    if (known !== undefined) return known
    const queue = new MemoryQueue(
      name,
      { ...plainQueue, ...options },
      {
        clock: this.clock,
        tellsFailed: atLeast(this.version, 4, 3),
        soon: (run) => void setImmediate(run),
        deadLetter: (exchange, key, message) => void this.route({ ...message, exchange, routingKey: key }),
      },
    )
    this.queues.set(name, queue)
    return queue
  }

  delete(name: string): void {
    this.queues.get(name)?.drop()
    this.queues.delete(name)
  }

  exchange(name: string, type?: ExchangeType): Exchange | undefined {
    const known = this.#exchanges.get(name)
    if (known !== undefined || type === undefined) return known
    const made: Exchange = { type, bindings: new Map() }
    this.#exchanges.set(name, made)
    return made
  }

  bind(queue: string, exchange: string, key: string): void {
    this.#exchanges.get(exchange)?.bindings.set(`${queue}\0${key}`, { queue, key })
  }

  unbind(queue: string, exchange: string, key: string): void {
    this.#exchanges.get(exchange)?.bindings.delete(`${queue}\0${key}`)
  }

  bindings(queue: string): readonly string[] {
    return [...this.#exchanges.values()]
      .flatMap(({ bindings }) => [...bindings.values()])
      .filter((binding) => binding.queue === queue)
      .map(({ key }) => key)
      .toSorted()
  }

  /** Returns how many queues took it. */
  route(message: Message): number {
    const queues = this.#targets(message)
    for (const queue of queues) queue.push(message)
    return queues.length
  }

  publish(queue: string, body: string, properties: Partial<MessageProperties> = {}): void {
    this.route({
      exchange: '',
      routingKey: queue,
      body: new TextEncoder().encode(body),
      properties: { deliveryMode: 2, headers: new Map(), ...properties },
    })
  }

  /** Every link of these roles ends. */
  cut(roles: readonly ConnectionRole[] = ['consume', 'publish', 'probe'], reason = 'cut by the test'): void {
    for (const link of Array.from(this.links)) {
      if (roles.includes(link.role)) link.end(new MillraceError('E_RABBITMQ_CONNECTION', { brokers: 'memory', reason }))
    }
  }

  stop(): void {
    this.up = false
    this.cut()
  }

  start(): void {
    this.up = true
    for (const connection of this.#connections) connection.retry()
  }

  alarm(on: boolean): void {
    this.blocked = on
    for (const link of this.links) link.sayBlocked()
  }

  /** Ends everything, timers too. @throws Error when it has something to complain of */
  close(): void {
    this.cut()
    for (const name of Array.from(this.queues.keys())) this.delete(name)
    if (this.complaints.length > 0) throw new Error(`a good client does not do this: ${this.complaints.join('; ')}`)
  }

  #targets({ exchange, routingKey }: Message): readonly MemoryQueue[] {
    if (exchange === '') return [this.queues.get(routingKey)].filter((queue) => queue !== undefined)
    const found = this.#exchanges.get(exchange)
    const names = new Set<string>()
    for (const { queue, key } of found?.bindings.values() ?? [])
      if (this.#matches(found?.type ?? 'direct', key, routingKey)) names.add(queue)
    return [...names].map((name) => this.queues.get(name)).filter((queue) => queue !== undefined)
  }

  #matches(type: ExchangeType, key: string, routingKey: string): boolean {
    if (type === 'fanout') return true
    if (type !== 'topic') return key === routingKey
    const pattern = parseTopicPattern(key)
    return !('problem' in pattern) && matchesPattern(pattern, routingKey)
  }
}
