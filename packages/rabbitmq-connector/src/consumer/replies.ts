import { describeError } from '@millrace/sdk'
import type { Clock, Logger, RouteResult, Settlement } from '@millrace/sdk'
import { originOf } from '../mapping/origin.ts'
import type { ReplyOutcome, ReplyWish } from '../reply/publish-reply.ts'
import { isRefused } from '../transport/amqp-errors.ts'
import type { Arrival } from './hand-over.ts'
import type { RabbitmqObserver } from './observer.ts'

/** @see publishReplies */
export interface RepliesOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly observer: RabbitmqObserver
  /** What a function wants of its answers. */
  readonly wishOf: (name: string) => ReplyWish | undefined
  readonly publish: (event: Arrival['mapped']['event'], result: RouteResult, wish: ReplyWish) => Promise<ReplyOutcome>
}

const firstWaitMs = 500
const maxWaitMs = 30_000
/** A producer names the queue of its answers: one that takes none must not keep the places of the prefetch for ever. */
const maxRefusals = 5

const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))

/**
 * Publishes the answers of one event, one for each function that wants it. `undefined`: nobody asked for one. What is not confirmed is
 * tried again with a growing wait for as long as the message is ours: it stays unacknowledged meanwhile, and the function is not called
 * a second time for it. Only what the broker itself refuses, since the requester's queue is full, is given up after five tries in some seconds:
 * the call was made, as for a requester that is gone.
 *
 * @throws MillraceError when the message is no longer ours
 */
export const publishReplies = (
  { mapped, message }: Arrival,
  { results }: Settlement,
  ended: () => boolean,
  options: RepliesOptions,
): Promise<void> | undefined => {
  if ((originOf(mapped.event)?.original ?? message).properties.replyTo === undefined) return undefined
  const wanted = results.flatMap((result) => {
    const wish = options.wishOf(result.target.function)
    return wish?.reply === true ? [{ result, wish }] : []
  })
  if (wanted.length === 0) return undefined
  return Promise.all(wanted.map(({ result, wish }) => publishOne(mapped, result, wish, ended, options))).then(() => {})
}

const publishOne = async (
  { event }: Arrival['mapped'],
  result: RouteResult,
  wish: ReplyWish,
  ended: () => boolean,
  { clock, logger, observer, publish }: RepliesOptions,
): Promise<void> => {
  const queue = originOf(event)?.queue ?? ''
  let refusals = 0
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
    try {
      const outcome = await publish(event, result, wish)
      if (outcome !== 'none') observer.replied(queue, outcome)
      return
    } catch (error) {
      observer.replied(queue, 'failed')
      if (ended()) throw error
      if (isRefused(error) && (refusals += 1) >= maxRefusals) {
        logger.warn('a reply was refused too often and is given up; its message is acknowledged', {
          code: 'E_RABBITMQ_UNCONFIRMED',
          event_id: event.id,
          queue,
          function: result.target.function,
          error: describeError(error, 300),
        })
        return
      }
      logger.warn('a reply was not confirmed; its message stays unacknowledged and it is tried again', {
        queue,
        function: result.target.function,
        error: describeError(error, 300),
        retryMs: waitMs,
      })
      await sleep(clock, waitMs)
      if (ended()) throw error
    }
  }
}
