import { rebalanceStorm } from '../kafka/scenarios/storm.ts'
import { kafka } from '../servers/kafka.ts'
import type { LongPart } from './part.ts'

/** T10: half an hour of members that come and go. */
export const kafkaStorm: LongPart = {
  name: 'kafka-storm',
  about: 'Members of a group come and go, 1 to 5 to 1, for 30 minutes under load: 0 lost; a step is one wave.',
  steps: 60,
  open: async () => {
    const server = await kafka.single({ secure: false })
    return {
      step: async ({ signal }) => {
        const figures = await rebalanceStorm({ brokers: server.bootstrap, waves: 1, members: 5, everyMs: 2000, signal })
        return `${figures.joins} joins, ${figures.leaves} leaves, ${figures.events} events, ${figures.duplicated} repeated, longest gap ${figures.longestGapMs} ms`
      },
      close: () => server.stop(),
    }
  },
}
