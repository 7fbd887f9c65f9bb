import type { Delivery, Target } from '../contract/delivery.ts'
import type { MillraceEvent } from '../contract/event.ts'
import type { DeadLetterSink } from '../contract/dead-letter.ts'
import type { Order, Session, Source, SourceContext } from '../contract/source.ts'
import { makeDelivery } from '../core/source/deliver.ts'
import type { DeliverySpec } from '../core/source/deliver.ts'
import { describeError } from '../core/errors.ts'
import { openSession } from '../core/source/open-session.ts'
import type { OpenSession } from '../core/source/open-session.ts'
import { memoryQueueReader, memoryStreamReader } from './memory-readers.ts'
import type { MemoryReader } from './memory-readers.ts'
import type { MemoryConnection, MemoryLog } from './memory-log.ts'
import type { StoredRecord } from './memory-record.ts'

/** @see memorySource */
export interface MemorySourceOptions {
  /** @default 'memory' */
  readonly name?: string
  /** `prefix`: a stream with a committed position, like Kafka. `each`: a queue with single acknowledgements, like RabbitMQ. @default 'each' */
  readonly position?: 'each' | 'prefix'
  /** `spool`: records come by `log.offer` and are kept by the runtime, like an HTTP ingress. @default 'broker' */
  readonly replay?: 'broker' | 'spool'
  readonly order?: Order
  readonly replies?: boolean
  readonly headerPrefix?: string
  readonly deadLetters?: DeadLetterSink
  /** Take over delayed retries (`Source.defer`). @default false */
  readonly defer?: boolean
  /** Events emitted in one turn of the event loop. @default 256 */
  readonly batch?: number
}

const encoder = new TextEncoder()

const eventOf = (source: string, intake: string, record: StoredRecord): MillraceEvent => ({
  id: record.id ?? `memory:${intake}/${record.offset}`,
  source: `/${source}/${encodeURIComponent(intake)}`,
  type: 'dev.millrace.memory',
  topic: record.topic ?? intake,
  data: typeof record.data === 'string' ? encoder.encode(record.data) : record.data,
  headers: record.headers ?? [],
  partition: intake,
  ...(record.time !== undefined && { time: record.time }),
  ...(record.contentType !== undefined && { contentType: record.contentType }),
  ...(record.key !== undefined && { orderingKey: record.key }),
})

const specOf = (source: string, intake: string, record: StoredRecord): DeliverySpec => ({
  event: eventOf(source, intake, record),
  intake,
  ...(record.targets && { targets: record.targets }),
  ...(record.unreadable && { unreadable: record.unreadable }),
})

/** One session: reads in turns of the event loop, one record of each intake after another, as long as nothing is paused. */
class MemorySession {
  readonly #options: Required<Pick<MemorySourceOptions, 'name' | 'batch' | 'replay'>>
  readonly #context: SourceContext
  readonly #connection: MemoryConnection
  readonly #reader: MemoryReader
  readonly #frozen = new Set<string>()
  readonly session: OpenSession
  #scheduled = false

  constructor(log: MemoryLog, options: MemorySourceOptions, context: SourceContext) {
    const { name = 'memory', batch = 256, replay = 'broker', position = 'each' } = options
    this.#options = { name, batch, replay }
    this.#context = context
    this.#connection = log.connect({
      wake: () => this.#wake(),
      lost: (reason) => this.session.lose(reason),
      revoked: (intakes, drainMs) => this.#revoked(intakes, drainMs),
      ...(replay === 'spool' && { offered: (intake: string, record: StoredRecord) => this.#offered(intake, record) }),
    })
    this.#reader = position === 'prefix' ? memoryStreamReader(this.#connection) : memoryQueueReader(this.#connection)
    this.session = openSession({
      resume: () => this.#wake(),
      leave: (lost) => (lost === undefined ? this.#connection.leave() : undefined),
    })
    if (replay === 'broker') this.#wake()
  }

  #wake(): void {
    if (this.#scheduled || this.session.ended || this.#options.replay === 'spool') return
    this.#scheduled = true
    // Never at once: `connect`, `resume` and `publish` return before anything is emitted, as with a real broker.
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    let left = this.#options.batch
    for (let found = true; found && left > 0;) {
      found = false
      for (const intake of this.#connection.intakes()) {
        if (this.session.ended) return
        if (left > 0 && !this.session.paused(intake) && !this.#frozen.has(intake) && this.#emitNext(intake)) {
          found = true
          left--
        }
      }
    }
    if (left === 0) this.#wake()
  }

  #emitNext(intake: string): boolean {
    const next = this.#reader.next(intake)
    if (next === undefined) return false
    this.#context.emit(
      makeDelivery({
        ...specOf(this.#options.name, intake, next.record),
        // What comes after the end belongs to a connection that is gone; the broker gives the record again.
        ack: () => (this.session.ended ? undefined : next.ack()),
        release: () => {
          if (!this.session.ended) next.release()
          this.#wake()
        },
      }),
    )
    return true
  }

  async #revoked(intakes: readonly string[], drainMs: number): Promise<void> {
    for (const intake of intakes) this.#frozen.add(intake)
    try {
      await this.#context.revoke(intakes, drainMs)
    } catch (error) {
      this.#context.logger.error('revoke failed', { error: describeError(error) })
    }
    for (const intake of intakes) {
      this.#reader.reset(intake)
      this.#frozen.delete(intake)
    }
    this.#wake()
  }

  async #offered(intake: string, record: StoredRecord): Promise<boolean> {
    if (this.session.ended || this.session.paused(intake)) return false
    return this.#context.accept(makeDelivery(specOf(this.#options.name, intake, record)))
  }
}

const deferTo = (log: MemoryLog, delivery: Delivery, routes: readonly Target[], afterMs: number): boolean => {
  const { id, topic, data, headers, time, contentType, orderingKey } = delivery.event
  const rest = { ...(time !== undefined && { time }), ...(contentType !== undefined && { contentType }) }
  log.delay(
    delivery.intake,
    { id, topic, data, headers, targets: routes, ...rest, ...(orderingKey !== undefined && { key: orderingKey }) },
    afterMs,
  )
  return true
}

/**
 * The source for a `memoryLog`, and the smallest complete example of the contract: streams (`prefix`) and queues (`each`), pause,
 * redelivery, revocation, spool and delayed retries.
 *
 * @example
 * const log = memoryLog()
 * const connector = createConnector({ source: memorySource(log), gateway })
 * log.publish('orders', { data: '{"id":1}' })
 */
export const memorySource = (log: MemoryLog, options: MemorySourceOptions = {}): Source => ({
  name: options.name ?? 'memory',
  replay: options.replay ?? 'broker',
  position: options.position ?? 'each',
  ...(options.order && { order: options.order }),
  ...(options.replies !== undefined && { replies: options.replies }),
  ...(options.headerPrefix !== undefined && { headerPrefix: options.headerPrefix }),
  ...(options.deadLetters && { deadLetters: options.deadLetters }),
  async connect(context: SourceContext): Promise<Session> {
    context.signal.throwIfAborted()
    return new MemorySession(log, options, context).session
  },
  ...(options.defer && {
    defer: async (delivery: Delivery, routes: readonly Target[], afterMs: number) => deferTo(log, delivery, routes, afterMs),
  }),
})
