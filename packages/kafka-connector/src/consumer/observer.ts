import type { TopicPartition } from '../driver/driver.ts'

/** What a consumer counts. All of it is called synchronously; nothing of it may throw. */
export interface KafkaObserver {
  /** The group has a new assignment. */
  rebalanced(group: string): void
  /** Records of a batch were taken; those before the position of the partition are not among them. */
  fetched(group: string, at: TopicPartition, records: number): void
  committed(group: string, partitions: number, tookMs: number): void
  commitFailed(group: string): void
  /** A record came that had been handed over before. */
  redelivered(topic: string): void
  /** Results that came after the partition had gone. */
  fenced(topic: string, count: number): void
  /** Records that an earlier owner had finished, and that were not run again. */
  skipped(topic: string, count: number): void
}

export const silentObserver: KafkaObserver = {
  rebalanced: () => {},
  fetched: () => {},
  committed: () => {},
  commitFailed: () => {},
  redelivered: () => {},
  fenced: () => {},
  skipped: () => {},
}
