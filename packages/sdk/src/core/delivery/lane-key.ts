import type { MillraceEvent } from '../../contract/event.ts'
import type { Order } from '../../contract/source.ts'

/**
 * The ordering key of a route within its function, or `undefined` when nothing may hold it up. Keys are exact, never
 * hashed, and belong to one intake, so that what is released with an intake never stands before another's events.
 */
export const laneKey = (order: Order, event: MillraceEvent, intake: string): string | undefined => {
  if (order === 'none') return undefined
  if (order === 'partition') return `${intake}\u0000p${event.partition ?? ''}`
  return event.orderingKey === undefined ? undefined : `${intake}\u0000k${event.orderingKey}`
}
