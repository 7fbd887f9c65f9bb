import type { Logger } from '../contract/logger.ts'
import type { MillraceEvent } from '../contract/event.ts'
import type { DeliveryObserver } from '../core/delivery/observer.ts'
import { describeError } from '../core/errors.ts'

const about = (event: MillraceEvent): { event_id: string; topic: string } => ({ event_id: event.id, topic: event.topic })

/** Logs what somebody may have to act on, and each failed attempt. Ids and names only: never a payload, a header or a key. */
export const logObserver = (logger: Logger): DeliveryObserver => ({
  attemptFinished: ({ event, function: name, attempt, result, row, outcome, waitMs }) => {
    if (outcome.kind === 'done') return
    const seen =
      result.kind === 'response'
        ? { status: result.reply.status }
        : result.kind === 'failure'
          ? { error: `${result.cause}: ${result.detail}` }
          : {}
    const fields = { ...about(event), function: name, attempt, settle: row, outcome: outcome.kind, ...seen }
    if (outcome.kind === 'hold') {
      logger.error('an event is held: it may not be settled and there is no place for dead letters, or the policy says hold', {
        ...fields,
        wait_ms: waitMs,
        code: 'E_DELIVERY_HELD',
      })
    } else logger.info('attempt failed', waitMs === undefined ? fields : { ...fields, wait_ms: waitMs })
  },
  unmatched: (event, policy) => logger.debug('no function wants the topic', { ...about(event), policy }),
  deadLetterWritten: (letter) =>
    logger.warn('event is in the dead letters', {
      ...about(letter.event),
      function: letter.function,
      reason: letter.reason,
      attempts: letter.attempts,
    }),
  deadLetterFailed: (letter, error, retryInMs) =>
    logger.error('a dead letter could not be written; the event stays unacknowledged and the write is tried again', {
      ...about(letter.event),
      function: letter.function,
      code: 'E_LETTER_WRITE',
      error: describeError(error),
      retry_ms: retryInMs,
    }),
  held: (event, reason, detail) =>
    logger.error(
      'an event cannot be delivered and there is no place for dead letters: it stays, and its intake pauses when the window is full',
      {
        ...about(event),
        reason,
        detail,
        code: 'E_DELIVERY_HELD',
      },
    ),
  ackFailed: (event, error) =>
    logger.warn('the source refused an acknowledgement; the event comes again', { ...about(event), error: describeError(error) }),
  breakerChanged: (scope, state, why) => {
    const fields = { scope: scope === 'gateway' ? 'gateway' : scope.function, state, why }
    if (state === 'open') logger.warn('breaker opened: nothing is attempted, no attempts are used up', fields)
    else logger.info(state === 'closed' ? 'breaker closed' : 'breaker lets one probe through', fields)
  },
  intakePaused: (intake, why) => logger.debug('back-pressure: intake paused', { intake: intake ?? 'all', why }),
  intakeResumed: (intake) => logger.debug('back-pressure: intake resumed', { intake: intake ?? 'all' }),
})
