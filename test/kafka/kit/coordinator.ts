import { waitUntil } from '../../processes/wait-until.ts'
import { committedOf } from '../../servers/kafka.ts'

const asked = new Map<string, Promise<void>>()

/**
 * A new server makes its topic of positions when it is asked for the first group, and refuses all groups until it is there. Waits for that,
 * once for each server, so that the seconds are not those of a connector that a test measures.
 */
export const coordinatorReady = (brokers: readonly string[], topic: string): Promise<void> => {
  const server = brokers.join()
  const answers = (): Promise<boolean> =>
    committedOf(brokers, 'nobody', topic).then(
      () => true,
      () => false,
    )
  const waiting = asked.get(server) ?? waitUntil(answers, { timeoutMs: 60_000, what: 'the coordinator of groups' })
  asked.set(server, waiting)
  return waiting
}
