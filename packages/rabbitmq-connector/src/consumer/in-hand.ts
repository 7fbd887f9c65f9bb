import type { Arrival, Handed } from './hand-over.ts'
import type { Subscription } from './subscription.ts'

/** What its consumer does with a message that leaves the runtime. One for all of its messages. */
export interface Hands {
  finish(subscription: Subscription, arrival: Arrival): boolean
  giveBack(subscription: Subscription, arrival: Arrival): void
  giveBackFailed(subscription: Subscription, arrival: Arrival): void
  hold(subscription: Subscription, arrival: Arrival): void
}

/** A message in the hands of the runtime: a class, since there is one for each message. */
export class InHand implements Handed {
  readonly arrival: Arrival
  readonly #subscription: Subscription
  readonly #hands: Hands

  constructor(arrival: Arrival, subscription: Subscription, hands: Hands) {
    this.arrival = arrival
    this.#subscription = subscription
    this.#hands = hands
  }

  get ended(): boolean {
    return this.#subscription.ended
  }

  finish(): boolean {
    return this.#hands.finish(this.#subscription, this.arrival)
  }

  giveBack(): void {
    this.#hands.giveBack(this.#subscription, this.arrival)
  }

  get takesFailed(): boolean {
    return this.#subscription.takesFailed
  }

  giveBackFailed(): void {
    this.#hands.giveBackFailed(this.#subscription, this.arrival)
  }

  hold(): void {
    this.#hands.hold(this.#subscription, this.arrival)
  }
}
