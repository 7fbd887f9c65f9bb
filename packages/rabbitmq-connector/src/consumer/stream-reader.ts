import { MillraceError } from '@millrace/sdk'
import type { SourceContext } from '@millrace/sdk'
import type { SessionTimes } from '../session-options.ts'
import type { IntakePlan } from '../topology/plan.ts'
import type { RabbitmqObserver } from './observer.ts'
import { StreamLease } from './stream-lease.ts'
import { StreamPosition } from './stream-position.ts'

/** What a consumer of a stream has besides: its place in it, and the right to read it. */
export interface StreamReader {
  readonly position: StreamPosition
  readonly lease: StreamLease
}

/** @see streamReader */
export interface StreamReaderOptions {
  readonly plan: IntakePlan
  readonly vhost: string
  readonly context: Pick<SourceContext, 'state' | 'clock' | 'logger'>
  readonly observer: RabbitmqObserver
  readonly times: Pick<SessionTimes, 'checkpointMs' | 'checkpointEvery' | 'maxSpan' | 'leaseMs'>
  /** The stream is somebody else's now. */
  readonly onTaken: (reason: Error) => void
}

/** Place and right of one stream, each under a key of its own in the state store. */
export const streamReader = ({ plan, vhost, context, observer, times, onTaken }: StreamReaderOptions): StreamReader => {
  const { state, clock, logger } = context
  const { queue } = plan
  const name = `${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`
  const lose = (): void => onTaken(new MillraceError('E_RABBITMQ_STREAM_TAKEN', { queue }))
  const position = new StreamPosition({
    queue,
    start: plan.stream ?? 'next',
    key: `rabbitmq/stream/${name}`,
    state,
    clock,
    logger,
    observer,
    everyMs: times.checkpointMs,
    every: times.checkpointEvery,
    maxSpan: times.maxSpan,
    onFenced: lose,
  })
  return { position, lease: new StreamLease({ key: `rabbitmq/reader/${name}`, state, clock, ttlMs: times.leaseMs, onLost: lose }) }
}
