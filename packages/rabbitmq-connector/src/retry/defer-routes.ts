import { isMillraceError } from '@millrace/sdk'
import type { MillraceEvent, Target } from '@millrace/sdk'
import type { DelayTier, IntakePlan } from '../topology/plan.ts'
import type { Publisher } from '../transport/transport.ts'
import { chooseTier } from './choose-tier.ts'
import { retryCopy } from './retry-copy.ts'

/** A delayed retry. */
export interface DeferRequest {
  readonly event: MillraceEvent
  readonly plan: Pick<IntakePlan, 'queue' | 'tiers' | 'ordered'>
  readonly routes: readonly Target[]
  readonly afterMs: number
}

/**
 * Puts one copy for each route into the delay queue of the wait. Resolves, once the broker has confirmed all of them, with that queue;
 * with `undefined` when the wait is better kept in process: it is shorter than every delay queue, the intake is ordered or has none, the
 * broker takes no messages just now, or the headers have no room for what a copy must say.
 *
 * After a rejection some copies may be there: their functions may be called twice, none is forgotten.
 *
 * @throws MillraceError `E_RABBITMQ_UNROUTABLE` when the delay queue is missing, `E_RABBITMQ_UNCONFIRMED`, or what the connection says
 */
export const deferRoutes = async (publisher: Publisher, request: DeferRequest): Promise<DelayTier | undefined> => {
  const { event, plan, routes, afterMs } = request
  const tier = plan.ordered ? undefined : chooseTier(plan.tiers, afterMs)
  if (tier === undefined || publisher.blocked) return undefined
  try {
    await Promise.all(routes.map((route) => publisher.publish(retryCopy(event, route, plan.queue, tier.queue), { mandatory: true })))
    return tier
  } catch (error) {
    if (isMillraceError(error) && error.code === 'E_RABBITMQ_HEADERS_TOO_LARGE') return undefined
    throw error
  }
}
