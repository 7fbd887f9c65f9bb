import type { QueueState } from '../transport/transport.ts'

/** What a look at a queue says of our consumer of it. */
export type Verdict = 'alive' | 'gone' | 'doubtful'

/**
 * After so many looks without a message a queue is consumed anew, whatever it says: an ordered one gives nothing to a consumer whose turn it
 * is not, and of an empty one nobody knows whether the others take everything, or there is nothing.
 */
const patience = 10

/**
 * Finds consumers that the broker has forgotten without a word. RabbitMQ 3.10 does that when a quorum queue is deleted and made anew at
 * once: no cancel comes, and none of the later messages.
 */
export class Liveness {
  #delivered = -1
  #silent = 0

  /**
   * @param delivered messages that have come, over all subscriptions
   * @param hasRoom the broker may give more
   */
  look({ messages, consumers }: QueueState, delivered: number, hasRoom: boolean, ordered: boolean): Verdict {
    const isSilent = delivered === this.#delivered && hasRoom
    this.#delivered = delivered
    this.#silent = isSilent ? this.#silent + 1 : 0
    if (consumers === 0) return 'gone'
    // Others may be faster by chance; consuming anew costs two requests.
    // Where they take everything, ours may be forgotten behind them though nothing is ever ready.
    const isOdd = this.#silent >= patience || (!ordered && this.#silent >= 1 && messages > 0)
    if (!isOdd) return 'alive'
    this.#silent = 0
    return 'doubtful'
  }
}
