import type { IntakePlan } from '../topology/plan.ts'
import type { DeliveredMessage } from '../transport/message.ts'
import type { Arrival } from './hand-over.ts'
import { InHand } from './in-hand.ts'
import type { Hands } from './in-hand.ts'
import { Inbox } from './inbox.ts'
import type { QueueConsumerOptions } from './queue-consumer-options.ts'
import type { Subscription } from './subscription.ts'

/** @see Flow */
export interface FlowOptions extends Pick<QueueConsumerOptions, 'observer' | 'read' | 'repeated' | 'emit' | 'held' | 'serial' | 'stream'> {
  readonly queue: string
  readonly subscription: Subscription
  /** As it is when a message comes: another one may follow for the same subscription. */
  readonly plan: () => IntakePlan
}

/**
 * The way of messages from one subscription into the runtime and of their results back to it. It ends with its subscription: what the
 * runtime still has in hand then settles nothing, and what waits here comes again.
 */
export class Flow {
  readonly subscription: Subscription
  readonly #options: FlowOptions
  readonly #inbox: Inbox<Arrival>
  /** In hand of the runtime, for queues that go one by one. */
  #inHand = 0
  #ended = false

  constructor(options: FlowOptions) {
    const { subscription, observer, queue } = options
    this.subscription = subscription
    this.#options = options
    this.#inbox = new Inbox<Arrival>({
      open: () => this.#mayHandOver(),
      emit: (arrival) => this.#emit(arrival),
      place: ({ message }) => message.deliveryTag,
      repeat: ({ message }) => {
        observer.repeated(queue)
        this.#finish(message)
      },
    })
  }

  take(message: DeliveredMessage): void {
    const { stream, read, repeated, plan } = this.#options
    if (this.#ended) return
    if (stream?.position.arrived(message) === false) {
      this.subscription.ack(message)
      return
    }
    const arrival = read(message, plan())
    this.#inbox.push(arrival, repeated(arrival))
  }

  /** Hands over what may go now. */
  pump(): void {
    this.#inbox.pump()
  }

  /** Hands over nothing more. */
  end(): void {
    this.#ended = true
  }

  #mayHandOver(): boolean {
    const { held, serial, queue, plan } = this.#options
    if (this.#ended || this.subscription.ended || held(queue)) return false
    return this.#inHand === 0 || !serial(plan())
  }

  #emit(arrival: Arrival): void {
    this.#inHand += 1
    this.#options.emit(new InHand(arrival, this.subscription, this.#hands), this.#options.queue)
  }

  readonly #hands: Hands = {
    finish: (_, { message }) => {
      const counts = this.#finish(message)
      this.#left()
      return counts
    },
    giveBack: (subscription, { message }) => {
      subscription.giveBack(message)
      this.#left()
    },
    giveBackFailed: (subscription, { message }) => {
      subscription.giveBackFailed(message)
      this.#left()
    },
    hold: (_, arrival) => {
      if (this.#ended) return
      this.#inbox.putBack(arrival)
      this.#left()
    },
  }

  #left(): void {
    if (this.#ended) return
    this.#inHand -= 1
    if (this.#inHand === 0) this.#inbox.pump()
  }

  #finish(message: DeliveredMessage): boolean {
    const { stream } = this.#options
    const { subscription } = this
    if (stream === undefined || subscription.ended) return subscription.ack(message)
    stream.position.finish(message, (each) => subscription.ack(each))
    return true
  }
}
