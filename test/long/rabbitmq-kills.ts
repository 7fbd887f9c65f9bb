import { killConnector } from '../rabbitmq/scenarios/kill.ts'
import { rabbitmq } from '../servers/rabbitmq.ts'
import type { LongPart } from './part.ts'

const killsPerStep = 5

/** T1: a thousand kill points, against the ledger. */
export const rabbitmqKills: LongPart = {
  name: 'rabbitmq-kills',
  about:
    'The RabbitMQ connector is killed with -9 at 1,000 random points under load, by queue and by binding: 0 lost, no kill makes more than the prefetch come again.',
  steps: 1000 / killsPerStep,
  open: async () => {
    const broker = await rabbitmq.single()
    return {
      step: async ({ index, random }) => {
        const mode = index % 2 === 0 ? 'queue' : 'binding'
        const { events, duplicated, mostOfOneKill, cut } = await killConnector({
          broker,
          mode,
          kills: killsPerStep,
          random,
          perSecond: 100,
        })
        return `${mode}: ${killsPerStep} kills, ${events} events, ${cut} cut, ${duplicated} repeated, at most ${mostOfOneKill} by one kill`
      },
      close: () => broker.stop(),
    }
  },
}
