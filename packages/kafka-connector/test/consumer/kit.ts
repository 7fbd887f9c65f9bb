import { silentLogger } from '@millrace/sdk'
import { manualClock } from '@millrace/sdk/testing'
import { silentObserver } from '../../src/consumer/observer.ts'
import type { KafkaObserver } from '../../src/consumer/observer.ts'
import { TopicConsumer } from '../../src/consumer/topic-consumer.ts'
import type { TopicConsumerOptions } from '../../src/consumer/topic-consumer.ts'
import type { DriverRecord } from '../../src/driver/driver.ts'
import type { MemoryCluster } from '../../src/driver/memory-driver.ts'

interface Hand {
  readonly record: DriverRecord
  readonly intake: string
  readonly complete: () => void
}

/** The runtime around one consumer, played by a test: what is in hand, which of it runs, and what `revoke` does with it. */
export class Player {
  readonly consumer: TopicConsumer
  readonly inHand: Hand[] = []
  readonly seen: DriverRecord[] = []
  readonly paused = new Set<string>()
  lost: Error | undefined
  /** What is in hand at a revoke either ends in time, or is given back. */
  endsInDrain = true
  readonly #onComplete: (record: DriverRecord) => void

  constructor(
    cluster: MemoryCluster,
    options: Partial<Omit<TopicConsumerOptions, 'observer'>> & { observer?: Partial<KafkaObserver> },
    onComplete: (record: DriverRecord) => void = () => {},
  ) {
    this.#onComplete = onComplete
    this.consumer = new TopicConsumer({
      driver: cluster.driver(),
      groupId: 'g',
      brokers: 'memory',
      topics: new Map([['t', 3]]),
      rules: { initialOffset: 'oldest', outOfRange: 'earliest' },
      times: { drainMs: 1000, commitMs: 1000, commitIntervalMs: 1000, commitEvery: 1000 },
      clock: options.clock ?? manualClock(),
      logger: silentLogger,
      revoke: async (intakes) => this.revoke(intakes),
      paused: (intake) => this.paused.has(intake),
      emit: (record, partition, seq) => {
        this.seen.push(record)
        this.inHand.push({ record, intake: partition.intake, complete: () => partition.complete(seq) })
      },
      onLost: (reason) => (this.lost = reason),
      ...options,
      observer: { ...silentObserver, ...options.observer },
    })
  }

  finish(index: number): void {
    const [hand] = this.inHand.splice(index % Math.max(1, this.inHand.length), 1)
    if (hand === undefined) return
    this.#onComplete(hand.record)
    hand.complete()
  }

  finishAll(): void {
    while (this.inHand.length > 0) this.finish(0)
  }

  revoke(intakes: readonly string[] | 'all'): void {
    for (const hand of Array.from(this.inHand)) {
      if (intakes !== 'all' && !intakes.includes(hand.intake)) continue
      const index = this.inHand.indexOf(hand)
      if (this.endsInDrain) this.finish(index)
      else this.inHand.splice(index, 1)
    }
  }
}

export const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
