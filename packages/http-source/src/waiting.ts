import type { Clock, ReleaseReason, RouteResult, Settlement } from '@millrace/sdk'
import { Problem } from './problem.ts'
import { jsonReply, type Reply } from './server/reply.ts'

/** One function's result as the client reads it. */
export interface WaitResult {
  /** `NAME` or `NAME.NAMESPACE`; empty when the event itself ended, before any function. */
  readonly function: string
  readonly outcome: RouteResult['outcome']
  /** Absent when there was no response. */
  readonly status?: number
  readonly attempts: number
  /** Why, for `dead-lettered`, and for `dropped` where there is a reason. */
  readonly reason?: string
}

const resultOf = ({ target, outcome, status, reason }: RouteResult): WaitResult => ({
  function: target.function,
  outcome,
  ...(status !== undefined && { status }),
  attempts: target.attempts,
  ...(reason !== undefined && { reason }),
})

/** A client that waits for the end of its event. The first of settlement, release and time-out answers; later ones do nothing. */
export interface Wait {
  readonly answer: Promise<Reply>
  settled(settlement: Settlement): void
  released(reason: ReleaseReason): void
  /** The client is gone: stop the clock. */
  abandon(): void
}

/** Waits at most `waitMs` milliseconds. The answer rejects with the Problem `released` or `wait-over`. */
export const startWait = (id: string, waitMs: number, clock: Clock): Wait => {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const timer = clock.after(waitMs, () =>
    reject(
      new Problem('wait-over', {
        detail: 'The functions of the event have not all succeeded or failed for good yet; its delivery goes on.',
        fix: 'Do not send it again at once: the functions will get it. Wait longer next time, or ask for a receipt by leaving out wait.',
        id,
      }),
    ),
  )
  return {
    answer: promise,
    settled({ results }) {
      timer.cancel()
      resolve(jsonReply(200, { id, results: results.map(resultOf) }))
    },
    released() {
      timer.cancel()
      reject(
        new Problem(
          'released',
          {
            detail: 'The connector stopped first. Some functions may have got the event.',
            fix: 'Send it again after Retry-After, with the same Idempotency-Key or CloudEvents id.',
            id,
          },
          { 'retry-after': '5' },
        ),
      )
    },
    abandon: () => timer.cancel(),
  }
}
