/** What a consumer counts. All of it is called synchronously; nothing of it may throw. */
export interface KafkaObserver {
  /** The group has a new assignment. */
  rebalanced(group: string): void
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
  committed: () => {},
  commitFailed: () => {},
  redelivered: () => {},
  fenced: () => {},
  skipped: () => {},
}
