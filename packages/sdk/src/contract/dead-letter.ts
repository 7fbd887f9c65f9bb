import type { HeaderNaming, MillraceEvent } from './event.ts'
import type { DeadLetterReason } from './outcome.ts'

/** One attempt in the history of a letter. */
export interface AttemptRecord {
  /** Epoch milliseconds when the request was sent. */
  readonly at: number
  readonly durationMs: number
  /** HTTP status; absent when there was no response. */
  readonly status?: number
  /** What failed, at most 1 KiB, control characters escaped. Never a payload. */
  readonly error?: string
}

/** An event that ended for one function: one letter per failed function, never one for several. */
export interface DeadLetter {
  /** Original bytes and headers. */
  readonly event: MillraceEvent
  /** The intake it came from. */
  readonly intake: string
  /** `NAME` or `NAME.NAMESPACE`; absent when no function is involved (`decode`, `too-large`, `unmatched`). */
  readonly function?: string
  readonly reason: DeadLetterReason
  /** One sentence for a person. */
  readonly detail: string
  /** Attempts made; `history` holds the newest 20 of them. */
  readonly attempts: number
  readonly history: readonly AttemptRecord[]
  readonly firstAttemptAt?: number
  readonly lastAttemptAt?: number
  /** Epoch milliseconds when the letter was written. */
  readonly diedAt: number
  /** Tells letters of events apart that have the same id: only where the event says `ambiguousId`. At most 64 characters. */
  readonly letterId?: string
  /** How often this event has been a letter before: a guard against loops. */
  readonly hops: number
  /** How its source names headers, so that whoever delivers it again sends the same. Absent in letters of older versions. */
  readonly naming?: HeaderNaming
}

/** Where letters go. The runtime retries a failing write for ever and acknowledges nothing before it resolves. */
export interface DeadLetterSink {
  /** For logs and the admin page, e.g. `file:/var/lib/millrace/dead-letters`. */
  readonly name: string
  /** Resolves when the letter is durable. */
  write(letter: DeadLetter): Promise<void>
  close?(): Promise<void>
}
