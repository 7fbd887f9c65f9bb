import { killConnector } from '../kafka/scenarios/kill.ts'
import { kafka } from '../servers/kafka.ts'
import type { LongPart } from './part.ts'

const killsPerStep = 5

/** T1: a thousand kill points, against the ledger. */
export const kafkaKills: LongPart = {
  name: 'kafka-kills',
  about: 'The Kafka connector is killed with -9 at 1,000 random points under load: 0 lost, only what was not committed comes again.',
  steps: 1000 / killsPerStep,
  open: async () => {
    const server = await kafka.single({ secure: false })
    return {
      step: async ({ random }) => {
        const { events, duplicated, window } = await killConnector({ brokers: server.bootstrap, kills: killsPerStep, random })
        return `${killsPerStep} kills, ${events} events, ${duplicated} repeated of ${window} that were not committed`
      },
      close: () => server.stop(),
    }
  },
}
