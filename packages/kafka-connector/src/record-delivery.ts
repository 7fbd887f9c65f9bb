import type { Delivery, Target } from '@millrace/sdk'
import type { Partition } from './consumer/partition.ts'
import type { MappedRecord } from './mapping/record-to-event.ts'
import type { KafkaEvent } from './mapping/kafka-event.ts'

/** A record with its two ways out: one object, since thousands of them wait. */
export class RecordDelivery implements Delivery {
  readonly event: KafkaEvent
  readonly targets?: readonly Target[]
  readonly unreadable?: NonNullable<Delivery['unreadable']>
  readonly #partition: Partition
  readonly #seq: number
  #over = false

  constructor({ event, targets, unreadable }: MappedRecord, partition: Partition, seq: number) {
    this.event = event
    if (targets !== undefined) this.targets = targets
    if (unreadable !== undefined) this.unreadable = unreadable
    this.#partition = partition
    this.#seq = seq
  }

  get intake(): string {
    return this.#partition.intake
  }

  ack(): void {
    if (this.#over) return
    this.#over = true
    this.#partition.complete(this.#seq)
  }

  /** Needs nothing: the record stays open in its window, and comes again with the next assignment. */
  release(): void {
    this.#over = true
  }
}
