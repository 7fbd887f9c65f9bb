import { allGone, killAndRoll, type BrokerFigures } from '../kafka/scenarios/brokers.ts'
import { kafka } from '../servers/kafka.ts'
import type { LongPart } from './part.ts'

const noteOf = ({ events, duplicated, gapMs, joins }: BrokerFigures): string =>
  `${events} events, ${duplicated} repeated, gap ${gapMs.overall} ms (of one partition ${gapMs.partition} ms), ${joins} joins`

/** T7 T8: brokers of a cluster are killed, roll, and are all gone, in turn. */
export const kafkaBrokers: LongPart = {
  name: 'kafka-brokers',
  about:
    'Three brokers: the coordinator is killed with -9 and another rolls, or all go and come again, in turn: 0 lost, the connector stays.',
  steps: 40,
  open: async () => {
    const cluster = await kafka.cluster(3, { properties: { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' } })
    return {
      step: async ({ index }) => noteOf(index % 2 === 0 ? await killAndRoll(cluster) : await allGone(cluster)),
      close: () => cluster.stop(),
    }
  },
}
