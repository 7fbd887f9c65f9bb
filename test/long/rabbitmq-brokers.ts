import { breakBroker, type BrokerFigures } from '../rabbitmq/scenarios/brokers.ts'
import { rabbitmq } from '../servers/rabbitmq.ts'
import type { LongPart } from './part.ts'

const noteOf = ({ queueType, events, duplicated, resumedMs }: BrokerFigures): string =>
  `${queueType}: ${events} events, ${duplicated} repeated, called again ${resumedMs.join(', ')} ms after the port opened`

/** T7 T8: the broker goes in both ways, in turn, and stays away for up to 20 s. */
export const rabbitmqBrokers: LongPart = {
  name: 'rabbitmq-brokers',
  about:
    'The broker is killed with -9 and stopped in good order, in turn, and stays away for up to 20 s: 0 lost, quorum queues repeat at most their prefetch, the connector stays.',
  steps: 40,
  open: async () => {
    const server = await rabbitmq.single()
    return {
      step: async ({ random }) => {
        const figures = await breakBroker(server, [
          { how: 'kill9', downMs: random() * 20_000 },
          { how: 'stop', downMs: random() * 20_000 },
        ])
        for (const { resumedMs, queueType } of figures)
          if (resumedMs.some((gap) => gap > 30_000)) throw new Error(`${queueType}: called again only after ${resumedMs.join(', ')} ms`)
        return figures.map(noteOf).join('; ')
      },
      close: () => server.stop(),
    }
  },
}
