/** What a consumer of one queue is doing. Stable numbers for gauges. */
export type ConsumerState = 'idle' | 'declaring' | 'consuming' | 'paused' | 'standby' | 'draining' | 'quarantined'

export const consumerStateNumbers: Readonly<Record<ConsumerState, number>> = {
  idle: 0,
  declaring: 1,
  consuming: 2,
  paused: 3,
  draining: 4,
  quarantined: 5,
  /** Somebody else reads this stream. */
  standby: 6,
}

/** One consumer, for gauges and pages. */
export interface ConsumerView {
  readonly queue: string
  readonly state: ConsumerState
  /** Unacknowledged messages of this process, those that wait for their turn included. */
  readonly inFlight: number
  /** On a connection of its own, since the queue has broken the shared one. */
  readonly isolated: boolean
  /** Bindings that the broker refuses while it is consumed. */
  readonly refusedBindings?: number
  /** Why it is in quarantine. */
  readonly problem?: string
  /** Streams: the offset to go on from, and the last one that came. */
  readonly position?: number
  readonly lastOffset?: number
}

/** What the source counts. All of it is called synchronously; nothing of it may throw. */
export interface RabbitmqObserver {
  /** A message has come; `redelivered` as the broker says, which is a hint. */
  delivered(queue: string, redelivered: boolean): void
  /** Acknowledgements sent: `messages` with `frames`. */
  acknowledged(queue: string, messages: number, frames: number): void
  /** A result came after its channel had gone: the message comes again. */
  fenced(queue: string): void
  /** A retry copy is in a delay queue; the wait of that queue in milliseconds. */
  deferred(queue: string, tierMs: number): void
  /** Known by its message id: acknowledged without a call. */
  repeated(queue: string): void
  /** A letter of the queue is confirmed by its dead-letter queue. */
  lettered(queue: string): void
  /** What was published is confirmed, refused or not known to have arrived, so many milliseconds after it was sent. */
  published(error: Error | undefined, tookMs: number): void
  replied(queue: string, result: 'confirmed' | 'unroutable' | 'failed'): void
  /** The consumer of a queue was lost (channel, cancel, refusal); `retryMs` until it is tried again. */
  quarantined(queue: string, code: string, retryMs: number): void
  recovered(queue: string): void
  /** The link was lost; `role` of its connection. */
  linkLost(role: string): void
  /** An alarm of the broker holds up what is published. */
  blocked(on: boolean): void
  /** Streams: the position was stored, or could not be. */
  checkpointed(queue: string, offset: number): void
  checkpointFailed(queue: string): void
}

export const silentObserver: RabbitmqObserver = {
  delivered: () => {},
  acknowledged: () => {},
  fenced: () => {},
  deferred: () => {},
  repeated: () => {},
  lettered: () => {},
  published: () => {},
  replied: () => {},
  quarantined: () => {},
  recovered: () => {},
  linkLost: () => {},
  blocked: () => {},
  checkpointed: () => {},
  checkpointFailed: () => {},
}
