import type { Cluster } from './kafkajs.ts'

/**
 * Makes every join of a consumer wait for `beforeJoin`: kafkajs has no revoke hook that is waited for. The first thing in each join is
 * `cluster.findGroupCoordinator`, so that is where to stand. Replacing it is unsupported, but the library is frozen at 2.2.4.
 *
 * @param beforeJoin must not reject, and ends in bounded time: the member's place in the group depends on it
 * @returns false when the method is not there: then nothing is gated, and a rebalance costs duplicates
 */
export const gateJoins = (cluster: Cluster, beforeJoin: () => Promise<void>): boolean => {
  if (typeof cluster.findGroupCoordinator !== 'function') return false
  const original = cluster.findGroupCoordinator.bind(cluster)
  cluster.findGroupCoordinator = async (group) => {
    await beforeJoin()
    return original(group)
  }
  return true
}
