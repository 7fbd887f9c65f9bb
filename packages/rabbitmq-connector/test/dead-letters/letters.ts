import type { DeadLetter } from '@millrace/sdk'
import { messageToEvent } from '../../src/mapping/message-to-event.ts'
import type { MappingPlan } from '../../src/mapping/message-to-event.ts'
import type { DeliveredMessage } from '../../src/transport/message.ts'
import { context, plan } from '../mapping/messages.ts'

/** The letter of a message that failed for `ship`. */
export const letterOf = (from: DeliveredMessage, differs: Partial<DeadLetter> = {}, at: MappingPlan = plan()): DeadLetter => ({
  event: messageToEvent(from, at, context).event,
  intake: at.queue,
  function: 'ship',
  reason: 'exhausted',
  detail: '10 attempts failed',
  attempts: 10,
  history: [{ at: 1000, durationMs: 0, status: 503, error: 'busy' }],
  firstAttemptAt: 500,
  lastAttemptAt: 1000,
  diedAt: 1005,
  hops: 0,
  ...differs,
})
