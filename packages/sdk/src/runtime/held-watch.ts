import type { MillraceEvent } from '../contract/event.ts'
import type { DeliveryObserver } from '../core/delivery/observer.ts'

/**
 * Tells whether events are held that no function can be given and that have no place to go: nothing but another configuration lets them leave,
 * so readiness is false meanwhile. There are at most as many as the windows allow.
 */
export const heldWatch = (tell: (missing: string | undefined) => void): DeliveryObserver => {
  const held = new Set<MillraceEvent>()
  const report = (): void =>
    tell(
      held.size === 0
        ? undefined
        : 'events are held that cannot be delivered, and there is no place for dead letters (E_DELIVERY_HELD): set `dead_letter_dir`',
    )
  const left = (event: MillraceEvent): void => {
    if (held.size > 0 && held.delete(event) && held.size === 0) report()
  }
  return {
    held: (event) => {
      held.add(event)
      if (held.size === 1) report()
    },
    acknowledged: left,
    released: left,
    ackFailed: left,
  }
}
