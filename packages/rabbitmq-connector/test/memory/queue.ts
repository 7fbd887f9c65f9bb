import type { Clock, Timer } from '@millrace/sdk'
import type { DeliveredMessage, FieldValue, Message } from '../../src/transport/message.ts'
import type { QueueOptions } from '../../src/transport/transport.ts'

/** A message in a queue. */
export interface Stored {
  readonly sequence: number
  readonly message: Message
  deliveries: number
  /** Of them, those that count as failed. */
  failures: number
  timer?: Timer
}

/** A consumer, as a queue sees it. */
export interface Outlet {
  readonly priority: number
  readonly start: FieldValue | undefined
  /** Streams: index of the next entry. */
  cursor?: number
  /** It may take one more. */
  ready(): boolean
  take(stored: Stored, message: Omit<DeliveredMessage, 'deliveryTag'>): void
  cancelled(): void
}

/** What a queue asks of its broker. */
export interface QueueSurroundings {
  readonly clock: Clock
  /** RabbitMQ 4.3: a nack is no failure, and quorum queues may delay failed messages. As documented: no 4.3 was ever run. */
  readonly tellsFailed: boolean
  /** Later, in a turn of its own: a broker is never called back within a call. */
  soon(run: () => void): void
  deadLetter(exchange: string, key: string, message: Message): void
}

/** One queue in memory: classic, quorum or stream by its arguments, with time to live, dead letters and a single active consumer. */
export class MemoryQueue {
  readonly name: string
  readonly options: QueueOptions
  /** Streams: everything there ever was. Others: what is ready, in order. */
  readonly ready: Stored[] = []
  readonly outlets: Outlet[] = []
  /** Failed, and not given again yet. */
  readonly delayed = new Set<Stored>()
  unacked = 0
  acked = 0
  #sequence = 0
  #turn = 0
  #pumping = false
  readonly #around: QueueSurroundings

  constructor(name: string, options: QueueOptions, around: QueueSurroundings) {
    this.name = name
    this.options = options
    this.#around = around
  }

  argument(name: string): FieldValue | undefined {
    return this.options.arguments.get(name)
  }

  get isStream(): boolean {
    return this.argument('x-queue-type') === 'stream'
  }

  push(message: Message): void {
    const stored: Stored = { sequence: this.#sequence++, message, deliveries: 0, failures: 0 }
    this.ready.push(stored)
    this.#expire(stored)
    this.pump()
  }

  /** In its old place, marked as redelivered; or, failed, after a while, or in the dead letters. */
  putBack(stored: Stored, failed: boolean): void {
    this.unacked -= 1
    stored.deliveries += 1
    if (failed || !this.#around.tellsFailed) stored.failures += 1
    const limit = this.argument('x-delivery-limit')
    if (this.#isQuorum && typeof limit === 'number' && limit >= 0 && stored.failures > limit) return this.#bury(stored)
    const delayMs = failed ? this.#delayOf(stored) : 0
    if (delayMs === 0) return this.#insert(stored)
    this.delayed.add(stored)
    stored.timer = this.#around.clock.after(delayMs, () => {
      this.delayed.delete(stored)
      this.#insert(stored)
    })
    return undefined
  }

  get #isQuorum(): boolean {
    return this.argument('x-queue-type') === 'quorum'
  }

  #delayOf({ failures }: Stored): number {
    const min = this.argument('x-delayed-retry-min')
    const max = this.argument('x-delayed-retry-max')
    if (!this.#around.tellsFailed || this.argument('x-delayed-retry-type') !== 'failed' || typeof min !== 'number') return 0
    return Math.min(min * failures, typeof max === 'number' ? max : min)
  }

  #insert(stored: Stored): void {
    const after = this.ready.findIndex(({ sequence }) => sequence > stored.sequence)
    if (after < 0) this.ready.push(stored)
    else this.ready.splice(after, 0, stored)
    this.#expire(stored)
    this.pump()
  }

  attach(outlet: Outlet): void {
    if (this.isStream) outlet.cursor = this.#cursorOf(outlet.start)
    this.outlets.push(outlet)
    this.pump()
  }

  detach(outlet: Outlet): void {
    const index = this.outlets.indexOf(outlet)
    if (index >= 0) this.outlets.splice(index, 1)
    this.pump()
  }

  /** Deleted: its consumers are told so. */
  drop(): void {
    for (const { timer } of [...this.ready.splice(0), ...this.delayed]) timer?.cancel()
    this.delayed.clear()
    for (const outlet of this.outlets.splice(0)) this.#around.soon(() => outlet.cancelled())
  }

  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    this.#around.soon(() => {
      this.#pumping = false
      if (this.isStream) this.#pumpStream()
      else this.#pumpReady()
    })
  }

  #pumpReady(): void {
    while (this.ready.length > 0) {
      const outlet = this.#next()
      if (outlet === undefined) return
      const stored = this.ready.shift() as Stored
      stored.timer?.cancel()
      this.unacked += 1
      outlet.take(stored, { ...this.#counted(stored), redelivered: stored.deliveries > 0 })
    }
  }

  /** With what a quorum queue writes into a message that it gives again. */
  #counted({ message, deliveries, failures }: Stored): Message {
    if (!this.#isQuorum || deliveries === 0) return message
    const counts = this.#around.tellsFailed
      ? ([['x-acquired-count', deliveries], ...(failures > 0 ? [['x-delivery-count', failures] as const] : [])] as const)
      : ([['x-delivery-count', failures]] as const)
    return { ...message, properties: { ...message.properties, headers: new Map([...message.properties.headers, ...counts]) } }
  }

  #next(): Outlet | undefined {
    if (this.argument('x-single-active-consumer') === true) {
      const [active] = this.outlets
      return active?.ready() === true ? active : undefined
    }
    const best = Math.max(...this.outlets.filter((outlet) => outlet.ready()).map(({ priority }) => priority))
    const able = this.outlets.filter((outlet) => outlet.priority === best && outlet.ready())
    return able[this.#turn++ % Math.max(1, able.length)]
  }

  #pumpStream(): void {
    for (const outlet of this.outlets) {
      while (outlet.ready()) {
        const stored = this.ready[outlet.cursor ?? 0]
        if (stored === undefined) break
        outlet.cursor = (outlet.cursor ?? 0) + 1
        this.unacked += 1
        const { properties } = stored.message
        const headers = new Map([...properties.headers, ['x-stream-offset', stored.sequence] as const])
        outlet.take(stored, { ...stored.message, properties: { ...properties, headers }, redelivered: false })
      }
    }
  }

  #cursorOf(start: FieldValue | undefined): number {
    // As the real one: nothing below the offset is given, also where the stream does not reach it yet.
    if (typeof start === 'number') return start
    if (start === 'first') return 0
    return start === 'last' ? Math.max(0, this.ready.length - 1) : this.ready.length
  }

  #expire(stored: Stored): void {
    const ttl = this.argument('x-message-ttl')
    if (typeof ttl !== 'number') return
    stored.timer = this.#around.clock.after(ttl, () => {
      const index = this.ready.indexOf(stored)
      if (index < 0) return
      this.ready.splice(index, 1)
      this.#bury(stored)
    })
  }

  #bury({ message }: Stored): void {
    const exchange = this.argument('x-dead-letter-exchange')
    const key = this.argument('x-dead-letter-routing-key')
    if (typeof exchange !== 'string') return
    this.#around.deadLetter(exchange, typeof key === 'string' ? key : message.routingKey, message)
  }
}
