import type { DelayTier } from '../topology/plan.ts'

/**
 * The delay queue for a wait: the shortest that is not shorter, else the longest there is. `undefined` for a wait below the shortest: it
 * stays in process, where it takes as long as it should.
 *
 * @param tiers from the shortest
 */
export const chooseTier = (tiers: readonly DelayTier[], waitMs: number): DelayTier | undefined => {
  const [shortest] = tiers
  if (shortest === undefined || waitMs < shortest.delayMs) return undefined
  return tiers.find((tier) => tier.delayMs >= waitMs) ?? tiers.at(-1)
}
