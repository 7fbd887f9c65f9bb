import { setTimeout as pause } from 'node:timers/promises'
import { startPacedLoad, type Load, type Pace } from '../../ledger/load.ts'
import type { LedgerEvent, Publisher } from '../../ledger/publisher.ts'
import { connectTo, publishConfirmed, type ConfirmChannel } from '../../servers/rabbitmq.ts'

export interface LoadOptions extends Pace {
  readonly url: string
  /** @default '', the default exchange */
  readonly exchange?: string
  /** Of all events, or of each. */
  readonly routingKey: string | ((event: LedgerEvent) => string)
  /** Beside the usual ones, which they replace. */
  readonly properties?: (event: LedgerEvent) => Parameters<typeof publishConfirmed>[3]
}

/** Events that may wait or be unconfirmed; above it the load skips ticks. */
const maxOpen = 5000

/** How long `close()` waits for confirms, e.g. of a broker that is down. */
const patienceMs = 60_000

/**
 * Publishes each event once, with its id as the message id, and confirms it at the ledger when the broker has and a queue took it. Over a
 * connection that is made anew when it is lost: what was on its way then is not repeated, and not confirmed.
 */
class Sender {
  readonly #options: LoadOptions
  readonly #publisher: Publisher
  readonly #open = new Set<Promise<void>>()
  readonly #returned = new Set<string>()
  #waiting: LedgerEvent[] = []
  #channel: ConfirmChannel | undefined
  #end: () => Promise<void> = () => Promise.resolve()
  #running: Promise<void> | undefined
  #deadline = Infinity
  refused = 0

  constructor(options: LoadOptions) {
    this.#options = options
    this.#publisher = options.publisher
  }

  get size(): number {
    return this.#waiting.length + this.#open.size
  }

  push(event: LedgerEvent): void {
    this.#waiting.push(event)
  }

  flush(): void {
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  async close(): Promise<void> {
    this.#deadline = performance.now() + patienceMs
    this.flush()
    await this.#running
    await Promise.race([Promise.all(this.#open), pause(patienceMs, undefined, { ref: false })])
    await this.#end()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const channel = await this.#connected()
      if (channel === undefined) return void (this.refused += this.#waiting.splice(0).length)
      for (const event of this.#waiting.splice(0)) this.#send(channel, event)
    }
  }

  #send(channel: ConfirmChannel, event: LedgerEvent): void {
    const { exchange = '', routingKey } = this.#options
    const target = { exchange, routingKey: typeof routingKey === 'string' ? routingKey : routingKey(event) }
    const usual = { messageId: event.id, contentType: 'application/json', headers: { key: event.key } }
    const properties = { ...usual, ...this.#options.properties?.(event), mandatory: true }
    const sent: Promise<void> = publishConfirmed(channel, target, event.body, properties).then(
      () => {
        // A message that no queue took comes back before its confirm.
        if (this.#returned.delete(event.body)) this.refused++
        else this.#publisher.confirm(event)
      },
      () => void this.refused++,
    )
    this.#open.add(sent)
    void sent.finally(() => this.#open.delete(sent))
  }

  async #connected(): Promise<ConfirmChannel | undefined> {
    while (this.#channel === undefined && performance.now() < this.#deadline) {
      await this.#connect().catch(() => pause(100))
    }
    return this.#channel
  }

  async #connect(): Promise<void> {
    const connection = await connectTo(this.#options.url, { name: 'ledger' })
    const channel = await connection.createConfirmChannel()
    const lost = (): void => {
      if (this.#channel === channel) this.#channel = undefined
    }
    channel.on('error', lost)
    channel.on('close', lost)
    channel.on('return', ({ content }) => this.#returned.add(content.toString()))
    this.#channel = channel
    this.#end = async () => {
      await channel.close().catch(() => undefined)
      await connection.close().catch(() => undefined)
    }
  }
}

/** Publishes events of the ledger at a steady rate. */
export const startLoad = (options: LoadOptions): Load => {
  const sender = new Sender(options)
  return startPacedLoad(options, {
    push: (event) => sender.push(event),
    flush: () => sender.flush(),
    isFull: () => sender.size >= maxOpen,
    refused: () => sender.refused,
    close: () => sender.close(),
  })
}
