import { describeError, isMillraceError, printable } from '@millrace/sdk'
import type { Clock, ErrorCode, Logger, MillraceEvent, RouteResult } from '@millrace/sdk'
import { originOf } from '../mapping/origin.ts'
import { isRefused } from '../transport/amqp-errors.ts'
import type { Publisher } from '../transport/transport.ts'
import { isDirectReply, replyMessage } from './reply-message.ts'

/** What a function wants: its annotations `reply` and `reply-errors`. */
export interface ReplyWish {
  /** Publish the answer of a call that succeeded. */
  readonly reply: boolean
  /** Tell the requester also that it has failed for good. */
  readonly replyErrors: boolean
}

/** What `publishReply` takes beside the event and its result. */
export interface ReplyOptions {
  readonly publisher: Publisher
  readonly wish: ReplyWish
  /**
   * True for a queue that belongs to this connector: work, delay and dead-letter queues. `replyTo` is a producer's, and an answer there would
   * be taken for an event.
   */
  isOwn(queue: string): boolean
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
}

/**
 * - `confirmed`: the broker has it
 * - `unroutable`: the requester's queue is gone
 * - `failed`: it can never be sent there: a queue of this connector, or one that the connector may not write to
 * - `none`: nobody asked for it
 */
export type ReplyOutcome = 'confirmed' | 'unroutable' | 'failed' | 'none'

/** They may pass: the event must not be acknowledged before the answer lies with the broker. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_RABBITMQ_AUTHENTICATION',
  'E_RABBITMQ_BLOCKED',
  'E_RABBITMQ_CHANNEL',
  'E_RABBITMQ_CONNECTION',
  'E_RABBITMQ_TLS',
  'E_RABBITMQ_UNCONFIRMED',
  'E_RABBITMQ_UNREACHABLE',
  'E_RABBITMQ_VHOST',
])

const isWanted = ({ outcome, reason }: RouteResult, { reply, replyErrors }: ReplyWish): boolean =>
  reply && (outcome === 'done' || (replyErrors && reason !== undefined && (outcome === 'dead-lettered' || outcome === 'dropped')))

/**
 * Publishes what a function has answered to the `replyTo` of its message, with its `correlationId`. Resolves when nothing more is to be
 * done, so that the event may be acknowledged: also for a requester that is gone, since the call was made and would only be repeated.
 * A connection that is lost in the middle costs a second try, and maybe a second answer, but not a second call.
 *
 * @throws MillraceError when it is not known whether the broker has it: nothing may be acknowledged, and the function is called again
 */
export const publishReply = async (event: MillraceEvent, result: RouteResult, options: ReplyOptions): Promise<ReplyOutcome> => {
  const { replyTo, correlationId } = originOf(event)?.original.properties ?? {}
  if (replyTo === undefined || replyTo === '' || !isWanted(result, options.wish)) return 'none'
  const log = (message: string, fields: Readonly<Record<string, unknown>>): void =>
    options.logger.warn(message, {
      event_id: event.id,
      function: result.target.function,
      reply_to: printable(replyTo, 255),
      ...fields,
    })
  if (options.isOwn(replyTo)) {
    log('reply not sent: replyTo names a queue of this connector, where it would be taken for an event', {})
    return 'failed'
  }
  const message = replyMessage(event, result, { replyTo, correlationId, at: options.clock.now() })
  const send = (): Promise<void> => options.publisher.publish(message, { mandatory: !isDirectReply(replyTo) })
  const isUnconfirmed = (error: unknown): boolean => isMillraceError(error) && error.code === 'E_RABBITMQ_UNCONFIRMED' && !isRefused(error)
  try {
    await send().catch((error: unknown) => (isUnconfirmed(error) ? send() : Promise.reject(error as Error)))
    return 'confirmed'
  } catch (error) {
    if (!isMillraceError(error) || passing.has(error.code)) throw error
    const isGone = error.code === 'E_RABBITMQ_UNROUTABLE'
    log(isGone ? 'reply not sent: the requester is gone' : 'reply not sent', { code: error.code, error: describeError(error, 300) })
    return isGone ? 'unroutable' : 'failed'
  }
}
