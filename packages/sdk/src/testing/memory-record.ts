import type { Delivery, Target } from '../contract/delivery.ts'
import type { HeaderField } from '../contract/event.ts'

/** What is published to a memory log. */
export interface MemoryRecord {
  readonly data: Uint8Array | string
  /** @default `memory:{intake}/{offset}` */
  readonly id?: string
  /** @default the intake */
  readonly topic?: string
  readonly key?: string
  readonly contentType?: string
  readonly headers?: readonly HeaderField[]
  readonly time?: number
  readonly targets?: readonly Target[]
  readonly unreadable?: Delivery['unreadable']
}

/** A record with its place. */
export interface StoredRecord extends MemoryRecord {
  readonly offset: number
}
