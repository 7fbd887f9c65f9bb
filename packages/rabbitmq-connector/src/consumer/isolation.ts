import type { AmqpConnection } from '../transport/transport.ts'

/** Closes over a consume without a 541 that this many times in a row are laid at the queue's door. */
const maxCloses = 2

/**
 * Queues that have broken the shared connection: each is consumed over a connection of its own until it has proved to be well, so that
 * its neighbours go on. RabbitMQ answers the consume of a queue whose leader is down with 541, which closes everything (rabbitmq.md, 2.3).
 */
export class Isolation {
  readonly #open: () => AmqpConnection
  readonly #connections = new Map<string, AmqpConnection>()
  readonly #suspects = new Map<string, number>()

  constructor(open: () => AmqpConnection) {
    this.#open = open
  }

  has(queue: string): boolean {
    return this.#connections.has(queue)
  }

  get queues(): readonly string[] {
    return [...this.#connections.keys()]
  }

  connection(queue: string): AmqpConnection | undefined {
    return this.#connections.get(queue)
  }

  /** The shared link was lost over the consume of this queue. Returns whether the queue is apart from now on. */
  blame(queue: string, certain: boolean): boolean {
    if (this.has(queue)) return true
    const count = (this.#suspects.get(queue) ?? 0) + 1
    this.#suspects.set(queue, count)
    if (!certain && count < maxCloses) return false
    this.#suspects.delete(queue)
    this.#connections.set(queue, this.#open())
    return true
  }

  /** It was consumed on the shared connection. */
  trust(queue: string): void {
    this.#suspects.delete(queue)
  }

  /** It has done well by itself, or nobody wants it any more: the next time it is consumed as all others. Its connection is closed. */
  async end(queue: string): Promise<void> {
    const connection = this.#connections.get(queue)
    this.#connections.delete(queue)
    this.#suspects.delete(queue)
    await connection?.close()
  }

  async close(): Promise<void> {
    await Promise.all(this.queues.map((queue) => this.end(queue)))
  }
}
