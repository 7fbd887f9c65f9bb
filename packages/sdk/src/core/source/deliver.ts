import type { Delivery, ReleaseReason, Settlement, Target } from '../../contract/delivery.ts'
import type { MillraceEvent } from '../../contract/event.ts'
import type { SourceContext } from '../../contract/source.ts'
import { describeError } from '../errors.ts'

/** A delivery as a source author writes it: only the event and its intake are needed. */
export interface DeliverySpec {
  readonly event: MillraceEvent
  readonly intake: string
  readonly targets?: readonly Target[]
  readonly asksFilter?: boolean
  readonly unreadable?: Delivery['unreadable']
  readonly unlisted?: Delivery['unlisted']
  /** Called once, when every route is settled. @default nothing happens */
  readonly ack?: (settlement: Settlement) => void | Promise<void>
  /** Called once, when the event must come again. @default nothing: it stays unacknowledged, and the broker gives it again */
  readonly release?: (reason: ReleaseReason) => void
}

/**
 * A delivery whose `ack` and `release` reach the source at most once, and not both: the first call counts, later ones do nothing.
 *
 * @param onError gets what `release` throws, for it must not throw
 */
export const makeDelivery = (spec: DeliverySpec, onError?: (error: unknown) => void): Delivery => {
  let settled = false
  const first = (): boolean => !settled && (settled = true)
  return {
    event: Object.freeze(spec.event),
    intake: spec.intake,
    ...(spec.targets && { targets: spec.targets }),
    ...(spec.asksFilter && { asksFilter: spec.asksFilter }),
    ...(spec.unreadable && { unreadable: spec.unreadable }),
    ...(spec.unlisted && { unlisted: spec.unlisted }),
    ack: (settlement) => (first() ? spec.ack?.(settlement) : undefined),
    release(reason) {
      if (!first()) return
      try {
        spec.release?.(reason)
      } catch (error) {
        onError?.(error)
      }
    },
  }
}

/** `makeDelivery`, handed to the runtime: `accept` for a spool source is the caller's, this is `emit`. */
export const deliver = (context: Pick<SourceContext, 'emit' | 'logger'>, spec: DeliverySpec): void => {
  context.emit(
    makeDelivery(spec, (error) => context.logger.error('a release failed', { intake: spec.intake, error: describeError(error) })),
  )
}
