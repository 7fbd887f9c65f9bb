/** What a line tells of. The words are those of ARCHITECTURE.md. */
export type LineKind =
  /** An event came in. */
  | 'event'
  /** A function served an event. */
  | 'done'
  /** An attempt failed and there will be another one. */
  | 'retry'
  /** An attempt failed, and that is the end for this function. */
  | 'failed'
  /** An event waits, since nothing may settle it. */
  | 'held'
  /** The function's filter does not want the event, or a policy drops it. */
  | 'skipped'
  /** No function wants the topic. */
  | 'unmatched'
  /** Every function of the event is settled. */
  | 'acked'
  | 'dead'
  | 'released'
  | 'breaker'
  | 'source'
  /** The functions that are known. */
  | 'map'
  /** What a function printed. */
  | 'output'
  | 'gateway'
  | 'warning'
  | 'state'

/** One line, before it is written. Everything in it may come from outside. */
export interface Line {
  readonly kind: LineKind
  /** A function, a topic, or a part of the process. */
  readonly about: string
  readonly text: string
  /** The event. */
  readonly id?: string
}
