import type { DeadLetterReason } from '../../contract/outcome.ts'

/** A record, so that the compiler misses a reason that is not here. */
const reasons: Readonly<Record<DeadLetterReason, true>> = {
  rejected: true,
  exhausted: true,
  'max-age': true,
  'not-found': true,
  denied: true,
  redirect: true,
  gone: true,
  decode: true,
  'too-large': true,
  unmatched: true,
}

export const deadLetterReasons: readonly string[] = Object.keys(reasons)

/** Whether text that was read is the reason of a dead letter. */
export const isDeadLetterReason = (value: string): value is DeadLetterReason => Object.hasOwn(reasons, value)
