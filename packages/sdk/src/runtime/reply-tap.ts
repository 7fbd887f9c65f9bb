import type { DeliveryObserver } from '../core/delivery/observer.ts'
import type { ConnectorEvents, Listeners } from './connector-events.ts'

const maxWaiting = 1_000

/**
 * Gives replies to the listeners of `reply` in their own turn of the event loop, so that they can never stall a delivery:
 * at most 1,000 wait; what comes on top is dropped and counted.
 */
export class ReplyTap {
  readonly #listeners: Listeners
  #waiting: ConnectorEvents['reply'][] = []
  #scheduled = false
  /** Replies that no listener saw. */
  dropped = 0

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  get wanted(): boolean {
    return this.#listeners.has('reply')
  }

  observer(): DeliveryObserver {
    return {
      attemptFinished: ({ event, function: name, attempt, result }) => {
        if (result.kind !== 'response' || !this.wanted) return
        this.#offer({ event, function: name, attempt, reply: result.reply, durationMs: result.durationMs })
      },
    }
  }

  #offer(reply: ConnectorEvents['reply']): void {
    if (this.#waiting.length >= maxWaiting) {
      this.dropped += 1
      return
    }
    this.#waiting.push(reply)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    const batch = this.#waiting
    this.#waiting = []
    for (const reply of batch) this.#listeners.emit('reply', reply)
  }
}
